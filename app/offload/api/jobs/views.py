"""A job in responses: its JSON, and the model that describes it in the OpenAPI document.

The JSON is assembled from strings, since parameters and result are JSON already. This takes a quarter of the time of a
model. `tests/api/test_views.py` compares the two.
"""

import json
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, Field

from offload.api.contract import times
from offload.api.contract.addresses import address
from offload.api.contract.failures import EXPLANATIONS
from offload.api.contract.problems import problem_type
from offload.jobs.model import Job, Progress, State, Usage


class ProgressView(BaseModel):
    """The progress that a running task has reported."""

    done: int | None
    total: int | None
    fraction: float | None = Field(description="done / total")
    unit: str | None
    note: str | None


class UsageView(BaseModel):
    """Resources that the newest attempt has used, so far or in all."""

    wall_s: float
    cpu_s: float | None
    peak_rss_bytes: int | None


class ErrorView(BaseModel):
    """Why the job failed. Fields without a value are left out."""

    type: str = Field(description="/problems/ and the kind of failure", examples=["/problems/timed-out"])
    title: str
    detail: str
    attempt: int
    exception: str | None = None
    traceback: str | None = None
    exit_code: int | None = None
    signal: str | None = None


class LinksView(BaseModel):
    """Related addresses."""

    self: str
    result: str
    events: str
    logs: str
    cancel: str


class JobView(BaseModel):
    """A job. Times are RFC 3339, UTC."""

    id: str = Field(description="a UUIDv7")
    task: str
    state: Literal["queued", "running", "succeeded", "failed", "cancelled"]
    params: Any = Field(description="as submitted")
    priority: int
    labels: list[str]
    owner: str | None
    batch_id: str | None
    attempt: int = Field(description="attempts started so far")
    max_attempts: int
    timeout_s: float
    memory_mb: int
    position: int | None = Field(description="about how many queued jobs are before it, while it is queued")
    progress: ProgressView | None
    created_at: AwareDatetime
    started_at: AwareDatetime | None
    finished_at: AwareDatetime | None
    result: Any = Field(description="the result, up to 16 KiB of JSON; a larger one is at `links.result`")
    result_bytes: int | None = Field(description="the size of the whole result")
    error: ErrorView | None
    usage: UsageView | None
    links: LinksView


class JobsView(BaseModel):
    """A page of jobs."""

    jobs: list[JobView]
    next: Annotated[str | None, Field(description="the cursor of the next page; null on the last page")]


def render_job(job: Job, *, progress: Progress | None, position: int | None, now: int) -> bytes:
    """Returns the job as JSON. `now` is in microseconds since the epoch."""
    path = address(f"/jobs/{job.id}")
    parts = (
        f'{{"id":"{job.id}","task":{as_json(job.task)},"state":"{job.state.value}","params":'.encode(),
        job.params,
        f',"priority":{job.priority},"labels":{as_json(job.labels)},"owner":{as_json(job.owner)}'
        f',"batch_id":{as_json(job.batch_id)},"attempt":{job.attempt},"max_attempts":{job.max_attempts}'
        f',"timeout_s":{_number(job.timeout_s)},"memory_mb":{job.memory_mb},"position":{as_json(position)}'
        f',"progress":{_progress(progress)},"created_at":{_time(job.created_at)}'
        f',"started_at":{_time(job.started_at)},"finished_at":{_time(job.finished_at)},"result":'.encode(),
        b"null" if job.result is None else job.result,
        f',"result_bytes":{as_json(job.result_bytes)},"error":{error_json(job)},"usage":{_usage(job, progress, now)}'
        f',"links":{{"self":"{path}","result":"{path}/result","events":"{path}/events","logs":"{path}/logs",'
        f'"cancel":"{path}/cancel"}}}}'.encode(errors="backslashreplace"),  # a lone surrogate becomes a JSON escape
    )
    return b"".join(parts)


_write = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def as_json(value: object) -> str:
    """Returns compact JSON. Encode it with `backslashreplace`: it may contain lone surrogates."""
    return "null" if value is None else _write(value)


def _number(value: float) -> str:
    """Returns a whole number without a fraction: 300 and not 300.0."""
    return str(int(value)) if value == int(value) else repr(value)


def _time(at: int | None) -> str:
    return "null" if at is None else f'"{times.written(at)}"'


def _progress(progress: Progress | None) -> str:
    """Returns null if the task has reported nothing: what the lane has measured is in `usage`."""
    if progress is None or (progress.done is None and progress.total is None and progress.note is None):
        return "null"
    return as_json(
        {
            "done": progress.done,
            "total": progress.total,
            "fraction": _fraction(progress.done, progress.total),
            "unit": progress.unit,
            "note": progress.note,
        }
    )


def _fraction(done: int | None, total: int | None) -> float | None:
    if done is None or total is None:
        return None
    return round(done / total, 4) if total else 1.0


def _usage(job: Job, progress: Progress | None, now: int) -> str:
    usage = job.usage
    if job.state is State.RUNNING and job.started_at is not None:
        wall_s = max(0, now - job.started_at) / 1e6
        seen = progress.usage if progress else None
        usage = Usage(
            wall_s=wall_s, cpu_s=seen.cpu_s if seen else None, peak_rss_bytes=seen.peak_rss_bytes if seen else None
        )
    if usage is None:
        return "null"
    cpu_s = None if usage.cpu_s is None else round(usage.cpu_s, 6)
    return as_json({"wall_s": round(usage.wall_s, 6), "cpu_s": cpu_s, "peak_rss_bytes": usage.peak_rss_bytes})


def error_json(job: Job) -> str:
    """Returns the job's `error`: a problem object, or null if it has not failed."""
    failure = job.failure
    if failure is None:
        return "null"
    members = {
        "type": address(problem_type(failure.kind.value)),
        "title": EXPLANATIONS[failure.kind].title,
        "detail": failure.detail,
        "attempt": job.attempt,
        "exception": failure.exception,
        "traceback": failure.traceback,
        "exit_code": failure.exit_code,
        "signal": failure.signal,
    }
    return as_json({name: value for name, value in members.items() if value is not None})
