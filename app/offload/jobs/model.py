"""The records of the service: jobs, what they read, and the outcomes of their attempts.

Every record is frozen; a change of state makes a new record (see `lifecycle`). Times are whole
microseconds since the epoch, UTC. JSON travels as the bytes that were validated or produced, never re-encoded.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, NamedTuple


class State(StrEnum):
    """The state of a job. Why it failed is data (`Failure`), not a state."""

    QUEUED = "queued"
    """Accepted and on disk; waits for a lane. Also after a lost attempt, while attempts are left."""

    RUNNING = "running"
    """An attempt was dispatched to a lane."""

    SUCCEEDED = "succeeded"
    """An attempt returned a result, and the result is on disk."""

    FAILED = "failed"
    """The task raised, broke a limit, or the last allowed attempt was lost."""

    CANCELLED = "cancelled"
    """A client cancelled it; its process, if it had one, is gone."""

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
    """Names one attempt, so that a late kill or a late outcome can't affect the next one."""

    job_id: str
    attempt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What an attempt has used. `cpu_s` includes its child processes; the peak is of its own process."""

    wall_s: float
    cpu_s: float | None = None
    peak_rss_bytes: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why an attempt failed, as facts and not as an exception. `traceback` is at most 8 kB of text."""

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
    """The estimated CPU seconds; 0.0 if unknown. Orders the members of a batch, and keeps long jobs out of groups."""
    trace: str | None = None
    """The place in a trace of the request that submitted it, as a W3C `traceparent`; None without tracing."""
    state: State = State.QUEUED
    attempt: int = 0
    """How many attempts have been started and count; 0 before the first."""
    started_at: int | None = None
    """When the newest attempt was started."""
    finished_at: int | None = None
    result: bytes | None = None
    """The result as JSON if it is small enough to travel inline; else it is in the attempt's result file."""
    result_bytes: int | None = None
    """The size of the whole result's JSON, once succeeded."""
    failure: Failure | None = None
    usage: Usage | None = None

    @property
    def key(self) -> AttemptKey:
        """The key of the newest attempt."""
        return AttemptKey(self.id, self.attempt)

    @property
    def result_in_file(self) -> bool:
        """True if the result must be read from its file."""
        return self.state is State.SUCCEEDED and self.result is None


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLine:
    """A line that an attempt has printed or logged."""

    at: int
    attempt: int
    stream: str | None
    """`stdout` or `stderr`, if it was printed."""
    level: str | None
    """`info`, `warning`, …, if it was logged."""
    logger: str | None
    text: str
    unfinished: bool = False
    """True if a stream has not ended the line: while the attempt runs, it may continue or change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Jobs accepted together, counted together, cancelled together."""

    id: str
    kind: str
    """What it was made from: `jobs` for a list of jobs. The route that makes another kind names it."""
    size: int
    """The number of accepted jobs."""
    created_at: int
    owner: str | None = None
    labels: tuple[str, ...] = ()
    """The labels of the batch; each member has them, too."""
    source: bytes | None = None
    """What it was made from, as JSON, if its members don't show that."""
    counts: Mapping[State, int]
    """The number of members in each state. A deleted member is not counted."""
    finished_at: int | None = None
    """When the last live member ended."""

    @property
    def done(self) -> bool:
        """True once no member is live. That never changes again."""
        return self.finished_at is not None

    @property
    def ended(self) -> int:
        """The number of members that are terminal or were so when they were deleted."""
        return self.size - self.counts[State.QUEUED] - self.counts[State.RUNNING]


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """A file that a client has sent for jobs to read."""

    id: str
    name: str
    """The name that the client gave. Never a path."""
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
    """The place of the attempt in a trace, as a W3C `traceparent`: the parent of what the task traces."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """What a running attempt is doing now. An unknown field is None."""

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
    """The task returned. `result` is None if the JSON is in the attempt's result file."""

    result: bytes | None
    result_bytes: int
    usage: Usage


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """The attempt ended with an error of the task or of its parameters. Trying again would not help."""

    failure: Failure
    usage: Usage | None = None


StoppedBy = Literal["request", "time", "memory"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stopped:
    """The attempt's process was ended on purpose: by `Engine.stop`, or at its time or memory limit."""

    by: StoppedBy
    usage: Usage | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost:
    """The attempt's process died or went out of reach, through no known fault of the task."""

    detail: str
    exit_code: int | None = None
    signal: str | None = None
    usage: Usage | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """The attempt never started. It is not counted."""

    detail: str


Outcome = Done | Failed | Stopped | Lost | Rejected
