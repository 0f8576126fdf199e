"""Jobs: as a table, as a page and as lines for scripts."""

from collections.abc import Callable, Iterable, Iterator

from rich.console import Group, RenderableType
from rich.text import Text

from offload.client import Job
from offload.commands.terminal.output import compact, escape, escape_lines, indented, print_line, print_row
from offload.commands.terminal.tables import Column, key_values, table
from offload.commands.terminal.units import ago, duration, size

STYLES = {"queued": "cyan", "running": "blue", "succeeded": "green", "failed": "red", "cancelled": "yellow"}
SYMBOLS = {"queued": "…", "running": "▸", "succeeded": "✓", "failed": "✗", "cancelled": "■"}

LOG_LINES = 20
"""The last lines of the log that `offload show` prints."""

TASK_CHARS = 24
"""Characters of a task's name in a table."""

RESULT_CHARS = 2_000
"""Characters of a result that `offload show` prints; `offload result` prints all of it."""


def state_text(state: str) -> Text:
    """Returns a state with its symbol and colour. A newer service may have other states."""
    return Text(f"{SYMBOLS.get(state, ' ')} {escape(state)}", style=STYLES.get(state, ""))


COLUMNS = (
    Column(name="id"),
    Column(name="task"),
    Column(name="state"),
    Column(name="took", justify="right"),
    Column(name="submitted", style="dim"),
    Column(name="labels", style="dim"),
)


def jobs_table(jobs: Iterable[Job]) -> RenderableType:
    """Returns a table with a row for each job."""
    rows = [
        (job.id, _task(job), state_text(job.state), _took(job), ago(job.created_at), escape(", ".join(job.labels)))
        for job in jobs
    ]
    return table(COLUMNS, rows)


def _task(job: Job) -> str:
    name = escape(job.task)
    return name if len(name) <= TASK_CHARS else name[: TASK_CHARS - 1] + "…"


def _took(job: Job) -> str:
    if job.state == "running" and job.progress is not None and job.progress.fraction is not None:
        return f"{job.progress.fraction:.0%}"
    return duration(job.usage.wall_s) if job.usage else ""


def print_job_line(job: Job) -> None:
    """Prints a job on one line, for people."""
    print_line(f"{job.id}  {job.task}, {job.state}")


def print_job_row(job: Job) -> None:
    """Prints a job on one line, for scripts."""
    took = job.usage.wall_s if job.usage else None
    print_row(job.id, job.task, job.state, job.raw["created_at"], took, ",".join(job.labels))


def job_page(job: Job, log: str = "") -> RenderableType:
    """Returns a page about one job. `log` is the text that it has printed and logged."""
    heading = Text.assemble((escape(job.task), "bold"), "  ", state_text(job.state))
    parts: list[RenderableType] = [heading, key_values(list(_fields(job)))]
    if job.error is not None:
        parts += ["", Text(escape_lines(f"{job.error.title}: {job.error.detail}"), style="red")]
        parts += [Text(escape_lines(job.error.traceback.rstrip()), style="dim")] if job.error.traceback else []
    if job.state == "succeeded":
        parts += ["", Text("result", style="bold"), _result(job)]
    if log:
        lines = log.rstrip("\n").split("\n")
        parts += ["", Text("log", style="bold"), Text(escape_lines("\n".join(lines[-LOG_LINES:])))]
        parts += [Text(f"For the whole log: offload logs {job.id}", style="dim")] if lines[LOG_LINES:] else []
    return Group(*parts)


def print_job_fields(job: Job) -> None:
    """Prints the same for scripts, one name and value per line."""
    print_row("task", job.task)
    print_row("state", job.state)
    for name, value in _fields(job):
        print_row(name, value)
    if job.error is not None:
        print_row("error", f"{job.error.title}: {job.error.detail}")
        print_row("traceback", job.error.traceback)
    if job.result is not None:
        print_row("result", compact(job.result))


def _fields(job: Job) -> Iterator[tuple[str, str]]:
    yield "id", job.id
    if job.batch_id:
        yield "batch", job.batch_id
    if job.owner is not None:
        yield "owner", escape(job.owner)
    if job.labels:
        yield "labels", escape(", ".join(job.labels))
    yield "params", _truncated(compact(job.params))
    yield "submitted", f"{job.created_at:%Y-%m-%d %H:%M:%S} UTC, {ago(job.created_at)}"
    if job.position is not None:
        yield "position", f"{job.position} jobs ahead, priority {job.priority}"
    if job.started_at is not None:
        yield "waited", duration((job.started_at - job.created_at).total_seconds())
    if job.usage is not None:
        cpu = f", {duration(job.usage.cpu_s)} of CPU time" if job.usage.cpu_s is not None else ""
        memory = f", {size(job.usage.peak_rss_bytes)} peak memory" if job.usage.peak_rss_bytes is not None else ""
        yield "ran", duration(job.usage.wall_s) + cpu + memory
    yield "attempt", f"{job.attempt} of {job.max_attempts}"
    yield "limits", f"{duration(job.timeout_s)}, {job.memory_mb} MiB"
    if job.progress is not None and job.state == "running":
        yield "progress", escape(progress_text(job))
    if job.error is not None:
        died = job.error.signal or (None if job.error.exit_code is None else f"exit code {job.error.exit_code}")
        yield from [("ended by", escape(died))] if died else []


def progress_text(job: Job) -> str:
    """Returns the progress of a running job: `40%, 40 MiB of 100 MiB, reading`."""
    progress = job.progress
    if progress is None:
        return ""
    format_count: Callable[[int], str] = size if progress.unit == "bytes" else "{:,}".format
    share = [] if progress.fraction is None else [f"{progress.fraction:.0%}"]
    done = (
        []
        if progress.done is None
        else [format_count(progress.done) + (f" of {format_count(progress.total)}" if progress.total else "")]
    )
    return ", ".join([*share, *done, *([progress.note] if progress.note else [])])


def _result(job: Job) -> Text:
    if not job.result_is_here:
        return Text(f"{size(job.result_bytes)}: offload result {job.id}")
    shown = indented(job.result)
    if len(shown) > RESULT_CHARS:
        shown.truncate(RESULT_CHARS)
        shown.append(f"\n… offload result {job.id}")
    return shown


def _truncated(text: str) -> str:
    return text if len(text) <= RESULT_CHARS else text[:RESULT_CHARS] + "…"
