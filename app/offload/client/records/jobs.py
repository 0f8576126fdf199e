"""Jobs, and the changes of jobs."""

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from pydantic import AwareDatetime

from offload.client.records.record import Record, Text

State: TypeAlias = Literal["queued", "running", "succeeded", "failed", "cancelled"]
"""The last three are terminal: they never change again."""


class Progress(Record):
    """How far a running job has come, as its task reports it."""

    done: int | None
    total: int | None
    fraction: float | None
    unit: Text | None
    note: Text | None


class Usage(Record):
    """What the newest attempt has used so far."""

    wall_s: float
    cpu_s: float | None
    peak_rss_bytes: int | None


class JobError(Record):
    """Why a job failed."""

    type: str
    """`/problems/task-raised`, `/problems/timed-out`, …: the path of a page of the service that explains it."""
    title: str
    detail: Text
    attempt: int
    exception: Text | None = None
    traceback: Text | None = None
    exit_code: int | None = None
    signal: str | None = None

    @property
    def kind(self) -> str:
        """The last part of `type`: `task-raised`."""
        return self.type.rpartition("/")[2]


class JobLinks(Record):
    """The paths of a job."""

    self: str
    result: str
    events: str
    logs: str
    cancel: str


class Job(Record):
    """A job as it was when the service sent it."""

    id: str
    task: str
    state: State
    params: Any
    priority: int
    labels: tuple[Text, ...]
    owner: Text | None
    batch_id: str | None
    attempt: int
    """Attempts started so far."""
    max_attempts: int
    timeout_s: float
    memory_mb: int
    position: int | None
    """About how many queued jobs run before it. None unless it is queued."""
    progress: Progress | None
    created_at: AwareDatetime
    started_at: AwareDatetime | None
    finished_at: AwareDatetime | None
    result: Any
    """The result, if its JSON has at most 16 KiB. Else None, as before the end: see `result_is_here`."""
    result_bytes: int | None
    """The size of the result's JSON, once the job has succeeded."""
    error: JobError | None
    usage: Usage | None
    links: JobLinks

    @property
    def ended(self) -> bool:
        """Whether it has succeeded, failed or been cancelled. Then it never changes again."""
        return self.state in ("succeeded", "failed", "cancelled")

    @property
    def result_is_here(self) -> bool:
        """Whether `result` is the result. False before the end, and for a larger one, which `Client.result` fetches."""
        return self.state == "succeeded" and (self.result is not None or self.result_bytes == len("null"))


class JobPage(Record):
    """A page of jobs, and the cursor of the next."""

    jobs: tuple[Job, ...]
    next: str | None

    @property
    def items(self) -> tuple[Job, ...]:
        """The jobs, by the name that every page has for its items."""
        return self.jobs


@dataclass(frozen=True, slots=True)
class JobChanged:
    """A job has changed, or is new."""

    job: Job


@dataclass(frozen=True, slots=True)
class JobDeleted:
    """The job with this id was deleted."""

    id: str


@dataclass(frozen=True, slots=True)
class LoadAgain:
    """Changes before this moment may have been missed: load the jobs again. Later changes follow."""


Change: TypeAlias = JobChanged | JobDeleted | LoadAgain
"""What `changes_of_all` yields."""
