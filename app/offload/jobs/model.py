"""The records of the service: jobs, what they read, and the outcomes of their attempts.

Every record is frozen; a change of state makes a new record (see `lifecycle`). Times are whole
microseconds since the epoch, UTC. JSON travels as the bytes that were validated or produced, never re-encoded.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, NamedTuple


class State(StrEnum):
    """Where a job is in its life. Why it failed is data (`Failure`), not a state."""

    QUEUED = "queued"
    """Accepted and on disk; waits for a lane. Also after an attempt that was lost, while attempts are left."""

    RUNNING = "running"
    """An attempt has been handed to a lane."""

    SUCCEEDED = "succeeded"
    """An attempt returned a result, and the result is on disk."""

    FAILED = "failed"
    """The task raised, broke a limit, or the last allowed attempt was lost."""

    CANCELLED = "cancelled"
    """Somebody cancelled it; its process, if it had one, is gone."""

    @property
    def terminal(self) -> bool:
        """True for the three states that never change again."""
        return self in TERMINAL


TERMINAL = frozenset({State.SUCCEEDED, State.FAILED, State.CANCELLED})


class FailureKind(StrEnum):
    """Why a job failed: the last part of its problem's type, `/problems/<kind>`."""

    TASK_RAISED = "task-raised"
    TIMED_OUT = "timed-out"
    WORKER_DIED = "worker-died"
    INTERRUPTED = "interrupted"
    MEMORY_EXCEEDED = "memory-exceeded"
    RESULT_TOO_LARGE = "result-too-large"
    RESULT_NOT_SERIALIZABLE = "result-not-serializable"
    FILE_CHANGED = "file-changed"
    FILE_NOT_FOUND = "file-not-found"
    NOT_A_REGULAR_FILE = "not-a-regular-file"
    PATH_REFUSED = "path-refused"


class AttemptKey(NamedTuple):
    """Names one attempt, so that a late kill or a late outcome can't hit the next one."""

    job_id: str
    attempt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What an attempt used, so far or in all. `cpu_s` includes its children; the peak is of its own process."""

    wall_s: float
    cpu_s: float | None = None
    peak_rss_bytes: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why an attempt failed: facts, never a live exception. `traceback` is at most 8 kB of text."""

    kind: FailureKind
    detail: str
    exception: str | None = None
    traceback: str | None = None
    exit_code: int | None = None
    signal: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One request to run a task with certain parameters."""

    id: str
    task: str
    params: bytes
    """The validated parameters as a JSON object."""
    created_at: int
    timeout_s: float
    memory_mb: int
    max_attempts: int
    priority: int = 0
    labels: tuple[str, ...] = ()
    owner: str | None = None
    batch_id: str | None = None
    upload: str | None = None
    """The id of the uploaded file that this job reads, if it reads one."""
    cost: float = 0.0
    """About how many CPU seconds it takes; 0.0 where nobody knows. Orders the members of a batch, and nothing else."""
    trace: str | None = None
    """Where in a trace the request stands that submitted it, as a W3C `traceparent`; None where nothing is traced."""
    state: State = State.QUEUED
    attempt: int = 0
    """How many attempts have been started and count; 0 before the first."""
    started_at: int | None = None
    """When the newest attempt was started."""
    finished_at: int | None = None
    result: bytes | None = None
    """The result as JSON, where it is small enough to travel inline; else it is in the attempt's result file."""
    result_bytes: int | None = None
    """The size of the whole result's JSON, once succeeded."""
    failure: Failure | None = None
    usage: Usage | None = None

    @property
    def key(self) -> AttemptKey:
        """The newest attempt's name."""
        return AttemptKey(self.id, self.attempt)

    @property
    def result_in_file(self) -> bool:
        """True where the result must be fetched from its file."""
        return self.state is State.SUCCEEDED and self.result is None


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLine:
    """Something that an attempt has printed or logged."""

    at: int
    attempt: int
    stream: str | None
    """`stdout` or `stderr`, of what was printed."""
    level: str | None
    """Of what was logged: `info`, `warning`, …"""
    logger: str | None
    text: str
    unfinished: bool = False
    """True where a stream has not ended the line: as long as the attempt runs, it may go on, or become another."""


BatchKind = Literal["jobs", "file-digest", "verify"]
"""What a batch was made from: a list of jobs, a pattern of file names, or a manifest to be verified."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Jobs accepted together, counted together, cancelled together."""

    id: str
    kind: BatchKind
    size: int
    """How many jobs were accepted."""
    created_at: int
    owner: str | None = None
    labels: tuple[str, ...] = ()
    """Those of the batch as a whole; each member has them too."""
    source: bytes | None = None
    """What it was made from, as JSON, where its members alone don't tell."""
    counts: Mapping[State, int]
    """How many of its members are in each state. A member that was deleted is not counted any more."""
    finished_at: int | None = None
    """When the last live member ended."""

    @property
    def done(self) -> bool:
        """True once no member is live; that never changes again."""
        return self.finished_at is not None

    @property
    def ended(self) -> int:
        """How many members are terminal, or were before they were deleted."""
        return self.size - self.counts[State.QUEUED] - self.counts[State.RUNNING]


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """A file that a client has sent, for jobs to read."""

    id: str
    name: str
    """As the client gave it. Never a path."""
    size: int
    """In bytes."""
    owner: str | None
    created_at: int
    """When it had arrived."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """What an engine is asked to run. Only names, JSON and plain data, so that it can cross to any machine."""

    key: AttemptKey
    task: str
    params: bytes
    timeout_s: float
    memory_mb: int
    trace: str | None = None
    """Where in a trace the attempt stands, as a W3C `traceparent`: what the task traces belongs below it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """What a running attempt is doing right now. A field that is not known is None."""

    done: int | None = None
    total: int | None = None
    unit: str | None = None
    note: str | None = None
    usage: Usage | None = None

    @property
    def reported(self) -> tuple[int | None, int | None, str | None, str | None]:
        """The part that its task has reported."""
        return self.done, self.total, self.unit, self.note


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """The task returned. `result` is None where the JSON was left in the attempt's result file."""

    result: bytes | None
    result_bytes: int
    usage: Usage


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """The attempt ended with a fault of the task's own (or of its parameters); trying again would not help."""

    failure: Failure
    usage: Usage | None = None


StoppedBy = Literal["request", "time", "memory"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stopped:
    """The attempt's process was ended on purpose: asked for by `Engine.stop`, or over its time or memory limit."""

    by: StoppedBy
    usage: Usage | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost:
    """The attempt's process died, or went out of reach, through no known fault of the task."""

    detail: str
    exit_code: int | None = None
    signal: str | None = None
    usage: Usage | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """The attempt never started; it burns no attempt."""

    detail: str


Outcome = Done | Failed | Stopped | Lost | Rejected
