"""A job, as people and scripts see it."""

from collections.abc import Callable, Iterable, Iterator

from rich.console import Group, RenderableType
from rich.text import Text

from offload.client import Job
from offload.commands.figures import ago, duration, size
from offload.commands.screen import compact, indented, safe, safe_lines, say, write_row
from offload.commands.tables import Column, facts, table

STYLES = {"queued": "cyan", "running": "blue", "succeeded": "green", "failed": "red", "cancelled": "yellow"}
MARKS = {"queued": "…", "running": "▸", "succeeded": "✓", "failed": "✗", "cancelled": "■"}

SHOWN_OF_LOG = 20
"""Lines in `show`: the last ones."""

LONGEST_TASK = 24
"""Characters of a task's name in a list."""

SHOWN_OF_RESULT = 2_000
"""Characters of a result in `show`; `offload result` has all of it."""


def state_text(state: str) -> Text:
    """A state with its mark and colour; a newer service may have others."""
    return Text(f"{MARKS.get(state, ' ')} {safe(state)}", style=STYLES.get(state, ""))


COLUMNS = (
    Column(name="id"),
    Column(name="task"),
    Column(name="state"),
    Column(name="took", justify="right"),
    Column(name="submitted", style="dim"),
    Column(name="labels", style="dim"),
)


def jobs_table(jobs: Iterable[Job]) -> RenderableType:
    """A line for each job."""
    rows = [
        (job.id, _task(job), state_text(job.state), _took(job), ago(job.created_at), safe(", ".join(job.labels)))
        for job in jobs
    ]
    return table(COLUMNS, rows)


def _task(job: Job) -> str:
    name = safe(job.task)
    return name if len(name) <= LONGEST_TASK else name[: LONGEST_TASK - 1] + "…"


def _took(job: Job) -> str:
    if job.state == "running" and job.progress is not None and job.progress.fraction is not None:
        return f"{job.progress.fraction:.0%}"
    return duration(job.usage.wall_s) if job.usage else ""


def say_job(job: Job) -> None:
    """A job in one line, for people."""
    say(f"{job.id}  {job.task}, {job.state}")


def write_job(job: Job) -> None:
    """A line for scripts."""
    took = job.usage.wall_s if job.usage else None
    write_row(job.id, job.task, job.state, job.raw["created_at"], took, ",".join(job.labels))


def job_page(job: Job, log: str = "") -> RenderableType:
    """All of a job, for people."""
    heading = Text.assemble((safe(job.task), "bold"), "  ", state_text(job.state))
    parts: list[RenderableType] = [heading, facts(list(_facts(job)))]
    if job.error is not None:
        parts += ["", Text(safe_lines(f"{job.error.title}: {job.error.detail}"), style="red")]
        parts += [Text(safe_lines(job.error.traceback.rstrip()), style="dim")] if job.error.traceback else []
    if job.state == "succeeded":
        parts += ["", Text("result", style="bold"), _result(job)]
    if log:
        lines = log.rstrip("\n").split("\n")
        parts += ["", Text("what it said", style="bold"), Text(safe_lines("\n".join(lines[-SHOWN_OF_LOG:])))]
        parts += [Text(f"offload logs {job.id} has what was before.", style="dim")] if lines[SHOWN_OF_LOG:] else []
    return Group(*parts)


def write_job_page(job: Job) -> None:
    """The same for scripts: name and value a line."""
    write_row("task", job.task)
    write_row("state", job.state)
    for name, value in _facts(job):
        write_row(name, value)
    if job.error is not None:
        write_row("error", f"{job.error.title}: {job.error.detail}")
        write_row("traceback", job.error.traceback)
    if job.result is not None:
        write_row("result", compact(job.result))


def _facts(job: Job) -> Iterator[tuple[str, str]]:
    yield "id", job.id
    if job.batch_id:
        yield "batch", job.batch_id
    if job.owner is not None:
        yield "owner", safe(job.owner)
    if job.labels:
        yield "labels", safe(", ".join(job.labels))
    yield "params", _shortened(compact(job.params))
    yield "submitted", f"{job.created_at:%Y-%m-%d %H:%M:%S} UTC, {ago(job.created_at)}"
    if job.position is not None:
        yield "position", f"{job.position} before it, priority {job.priority}"
    if job.started_at is not None:
        yield "waited", duration((job.started_at - job.created_at).total_seconds())
    if job.usage is not None:
        cpu = f", {duration(job.usage.cpu_s)} of CPU" if job.usage.cpu_s is not None else ""
        memory = f", {size(job.usage.peak_rss_bytes)} at most" if job.usage.peak_rss_bytes is not None else ""
        yield "ran", duration(job.usage.wall_s) + cpu + memory
    yield "attempt", f"{job.attempt} of {job.max_attempts}"
    yield "limits", f"{duration(job.timeout_s)}, {job.memory_mb} MiB"
    if job.progress is not None and job.state == "running":
        yield "progress", safe(progress_text(job))
    if job.error is not None:
        died = job.error.signal or (None if job.error.exit_code is None else f"exit code {job.error.exit_code}")
        yield from [("ended by", safe(died))] if died else []


def progress_text(job: Job) -> str:
    """What a running job tells of itself: `40%, 40 MiB of 100 MiB, reading`."""
    told = job.progress
    if told is None:
        return ""
    shown: Callable[[int], str] = size if told.unit == "bytes" else "{:,}".format
    share = [] if told.fraction is None else [f"{told.fraction:.0%}"]
    done = [] if told.done is None else [shown(told.done) + (f" of {shown(told.total)}" if told.total else "")]
    return ", ".join([*share, *done, *([told.note] if told.note else [])])


def _result(job: Job) -> Text:
    if not job.result_is_here:
        return Text(f"{size(job.result_bytes)}: offload result {job.id}")
    shown = indented(job.result)
    if len(shown) > SHOWN_OF_RESULT:
        shown.truncate(SHOWN_OF_RESULT)
        shown.append(f"\n… offload result {job.id}")
    return shown


def _shortened(text: str) -> str:
    return text if len(text) <= SHOWN_OF_RESULT else text[:SHOWN_OF_RESULT] + "…"
