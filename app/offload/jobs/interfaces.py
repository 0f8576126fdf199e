"""Everything that `jobs/` needs from outside, on one page, each method with its contract.

Implementations are in `engines/`, `stores/`, `tasks/` and `tracing/`; only `server/` knows which. The suites in
`tests/contracts` run over every implementation of `Engine` and `Journal`.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple, Protocol, get_args

from pydantic import BaseModel

from offload.jobs.model import Assignment, AttemptKey, Batch, Job, LogLine, Outcome, Progress, State, Upload


class Clock(Protocol):
    def __call__(self) -> int:
        """Return the time: whole microseconds since the epoch, UTC. It may go backwards, as clocks do."""
        ...


class TaskLimits(Protocol):
    """The limits that a task sets for its jobs. None: the server's."""

    @property
    def timeout_s(self) -> float | None: ...
    @property
    def memory_mb(self) -> int | None: ...
    @property
    def max_attempts(self) -> int | None: ...


class Findings(Protocol):
    """What a task found out about parameters before their job is accepted."""

    @property
    def upload(self) -> str | None:
        """The id of the upload that the job reads, or None."""
        ...

    @property
    def cost(self) -> float:
        """The estimated CPU seconds, in addition to `TaskLike.cost`."""
        ...


class TaskLike(Protocol):
    """What accepting a job needs to know of its task."""

    @property
    def name(self) -> str: ...
    @property
    def limits(self) -> TaskLimits: ...

    @property
    def examine(self) -> Callable[[Any, Any], Findings] | None:
        """A function that looks up what the parameters name, such as files; None if there is nothing to look up.

        Its arguments are the parameters and the places of this node's files, which only tasks know (hence `Any`). It
        may block. It raises a `ProblemError` for what is wrong.
        """
        ...

    def cost(self, params: BaseModel) -> float:
        """Return the estimated CPU seconds; 0.0 if unknown. Raises `errors.TooExpensiveError`."""
        ...

    def dump(self, params: BaseModel) -> bytes:
        """Return the parameters as the JSON that earlier versions made fingerprints of."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneView:
    """One lane as `/stats` shows it. `busy_s` is how long its attempt has been running.

    `problem` says why the last try to open it failed, while it is opening.
    """

    state: Literal["idle", "busy", "opening"]
    pid: int | None
    job: str | None
    busy_s: float | None
    problem: str | None = None


Replaced = Literal[
    "cancelled", "timed-out", "memory-exceeded", "died", "unfit", "suspended", "unresponsive", "not-opened"
]
"""Why a lane got a new process: the process was killed because of its job (the first three), ended by itself, was left
unfit for another job, was stopped by SIGSTOP, did not respond, or could not be started."""

REPLACED: tuple[Replaced, ...] = get_args(Replaced)


class Engine(Protocol):
    """Runs attempts, each in a process that can be stopped."""

    @property
    def free_slots(self) -> int:
        """The number of groups of attempts that can start now; 0 while down. It may change at any moment."""
        ...

    async def open(self, changed: Callable[[], None]) -> None:
        """End what an earlier service left running, then offer slots.

        `changed` is called on the event loop whenever `free_slots` may have grown.
        """
        ...

    async def run(
        self,
        assignments: Sequence[Assignment],
        on_progress: Callable[[AttemptKey, Progress], None],
        on_outcome: Callable[[AttemptKey, Outcome], None],
    ) -> None:
        """Run attempts in one slot, one after the other. Return when all have ended; raise nothing.

        - The slot is claimed before the first await. Without a free slot, or while closing, all are `Rejected`.
        - Both callbacks run on the event loop: `on_outcome` once for each attempt, soon after its end; `on_progress` at
          most ten times a second.
        - An attempt is ended at its time or memory limit (`Stopped`), and when its process stays suspended (`Lost`).
        - When an attempt takes long or ends the process, the attempts behind it have not started and are soon
          `Rejected`.
        - A result over 16 KiB is on disk, in the attempt's result file, before `on_outcome` gets `Done`.
        - Cancelling the coroutine stops no attempt.
        """
        ...

    async def stop(self, key: AttemptKey) -> bool:
        """End an attempt's process within a second, C code included; its outcome is `Stopped(by="request")`.

        An attempt that has not started is `Rejected` instead. One that has ended or is unknown is left alone. An
        outcome that was on its way is delivered as it is. Returns False if the process is out of reach and may still
        run; else it is gone or never existed.
        """
        ...

    async def close(self) -> None:
        """End every process of the engine in bounded time. Attempts that still run are `Stopped`."""
        ...

    def lanes(self) -> Sequence[LaneView]:
        """Return what every lane is doing now."""
        ...

    def pid(self, key: AttemptKey) -> int | None:
        """Return the id of the process that runs an attempt, or None. Still known while `on_outcome` is called."""
        ...

    def replaced(self) -> Mapping[Replaced, int]:
        """Return how often a lane has got a new process, by reason. Reasons that never occurred may be missing."""
        ...

    async def check(self) -> str | None:
        """Call the idle lanes. Return None if at least one lane works, else a sentence that says what is wrong."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class IdempotencyKey:
    """A client's name for a submission, and a digest of what it submitted."""

    owner: str | None
    key: str
    fingerprint: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownKey:
    """A key in the journal. It stands for a job or for a batch."""

    fingerprint: bytes
    job_id: str | None = None
    batch_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JobFilter:
    """Which jobs a list shows. None or empty does not filter. Times in microseconds, both ends exclusive."""

    states: frozenset[State] = frozenset()
    task: str | None = None
    label: str | None = None
    batch_id: str | None = None
    owner: str | None = None
    created_after: int | None = None
    created_before: int | None = None


PAGE_BYTES = 16 << 20
"""The size of parameters and results in one page: a thousand small jobs fit, a thousand of the largest do not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Jobs, newest first, and where the next page begins: None after the last."""

    jobs: Sequence[Job]
    next: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchPage:
    """Batches, newest first, and where the next page begins: None after the last."""

    batches: Sequence[Batch]
    next: int | None


class Member(NamedTuple):
    """A job and its place in its batch: 0 for the job that was submitted first."""

    place: int
    job: Job


@dataclass(frozen=True, slots=True, kw_only=True)
class EndedJobs:
    """The jobs that ended in a span of time. Durations are in seconds, shortest first."""

    counts: Mapping[State, int]
    """The number of jobs by terminal state. A state without jobs may be missing."""
    ran_s: Sequence[float]
    """The durations of succeeded attempts."""
    waited_s: Sequence[float]
    """The durations from acceptance to the start of the newest attempt."""


class Journal(Protocol):
    """The durable record of every job and batch. An awaited write is on disk: it survives kill -9 and a power cut.

    Writes take effect in the order of the calls; awaiting one waits until it is on disk. A write raises
    `errors.StorageFullError` if the disk is full and `errors.StorageFailedError` if it fails otherwise. It then has not
    happened, and later writes may succeed again.
    """

    async def open(self) -> None:
        """Create or upgrade the schema. Raises `errors.BootError`, which says what to do, if it can't be used."""
        ...

    async def close(self) -> None:
        """Finish all writes, then close the file."""
        ...

    def add(
        self, jobs: Sequence[Job], key: IdempotencyKey | None = None, batch: Batch | None = None
    ) -> asyncio.Future[None]:
        """Record new jobs, all or none. With `batch`, they are its members and all are queued.

        With `key`, it stands for the batch, or else for the first job, whose owner is the key's. Raises
        `errors.DuplicateKeyError` if the owner already has this key.
        """
        ...

    async def find_key(self, owner: str | None, key: str) -> KnownKey | None:
        """Return what the key stands for, if it was used and has not expired."""
        ...

    async def get(self, job_id: str) -> Job | None:
        """Return the job as last written; None for an unknown id, whatever its text."""
        ...

    async def list(self, where: JobFilter, limit: int, before: int | None = None) -> Page:
        """Return up to `limit` jobs, newest first, from the place `before` (a `Page.next`) on; at least one if any.

        The page ends early with the job whose parameters and result make it `PAGE_BYTES` or more. The cost does not
        grow with the number of earlier pages.
        """
        ...

    def replace(self, job: Job, was: AttemptKey, state: State) -> asyncio.Future[bool]:
        """Write `job` if its record is still in `state` with `was`'s attempt number; else write nothing.

        The result is True if it was written. Only the fields that an attempt changes are written (`Job.state` to
        `Job.usage`).
        """
        ...

    def note_dispatch(self, keys: Sequence[AttemptKey]) -> int | None:
        """Note that these attempts are dispatched now, in microseconds and without a sync.

        The note survives kill -9, but no power cut. Returns its number for `forget_dispatch`, or None if it could not
        be written: then only a start that is on disk counts.
        """
        ...

    def forget_dispatch(self, note: int) -> None:
        """Delete a note, once the ends of its attempts are on disk."""
        ...

    def dispatched_earlier(self) -> Collection[AttemptKey]:
        """Return the attempts that an earlier service has noted and not forgotten.

        One that the record of its job already counts means nothing.
        """
        ...

    def forget_earlier_dispatches(self) -> None:
        """Delete the notes of the earlier service."""
        ...

    async def ended_between(self, owner: str | None, begin: int, end: int, sample: int) -> EndedJobs:
        """Return the jobs that ended at `begin` or later and before `end`: the owner's, or all with owner None.

        Durations are of all of these jobs, or of about `sample` of them if there are more, taken evenly. The cost
        grows with the jobs of all owners that ended in that span, and with no others.
        """
        ...

    async def live(self) -> Sequence[Job]:
        """Return every queued or running job, oldest first. The members of a batch are neighbours."""
        ...

    def remove(self, job_id: str) -> Awaitable[bool]:
        """Delete a terminal job and its idempotency key. The result is False if there is no such terminal job."""
        ...

    async def expire(self, finished_before: int, key_before: int, limit: int) -> Sequence[Job]:
        """Delete and return up to `limit` terminal jobs that finished before a time, oldest first.

        A job whose idempotency key is younger than `key_before` is kept. A batch is deleted as a whole, by its own end
        and key; its members are kept as long as it is. If `limit` or a crash interrupts that, the next call resumes it.
        """
        ...

    async def get_batch(self, batch_id: str) -> Batch | None:
        """Return the batch, with the counts that all writes so far have made; None for an unknown id."""
        ...

    async def list_batches(self, owner: str | None, limit: int, before: int | None = None) -> BatchPage:
        """Return up to `limit` batches, newest first, from the place `before` on: the owner's, or all with owner None.

        Their `source` is left out: one may be megabytes.
        """
        ...

    async def members(self, batch_id: str, begin: int, limit: int) -> Sequence[Member]:
        """Return up to `limit` members of a batch in the order of submission, from the place `begin` on.

        The cost does not grow with `begin`.
        """
        ...

    async def remove_batch(self, batch_id: str, limit: int) -> Sequence[Job]:
        """Delete and return up to `limit` members of a batch; delete the batch itself once none is left.

        Call it until the result is empty. Nothing is deleted of a batch with live members.
        """
        ...

    async def check(self) -> str | None:
        """Read and write. Return None if both work, else a sentence that says what is wrong."""
        ...


class ResultFiles(Protocol):
    """The results that are too large to travel inline. A lane writes a file; the server reads and removes it."""

    def path(self, key: AttemptKey) -> Path:
        """Return where that attempt's result is, or would be."""
        ...

    async def remove(self, *job_ids: str) -> None:
        """Remove the files of all attempts of these jobs. Raises nothing: a file that can't be removed is left."""
        ...


class LogFiles(Protocol):
    """What attempts have printed and logged. A lane writes it; the server reads and removes it."""

    async def read(self, key: AttemptKey) -> Sequence[LogLine]:
        """Return the newest lines of an attempt, about 256 KiB at most, oldest first; also while it runs."""
        ...

    async def remove(self, *last: AttemptKey) -> None:
        """Remove the logs of jobs: each key names a job and its last possible attempt. Raises nothing, as above."""
        ...


class Uploads(Protocol):
    """The uploaded files, as far as jobs need them."""

    async def get(self, upload_id: str) -> Upload | None:
        """Return the upload of any owner; None for an unknown id, whatever its text."""
        ...

    async def belongs(self, upload_id: str, owner: str | None) -> bool:
        """Return True if the upload exists and is this owner's, or anyone's with owner None.

        False from the moment its removal begins.
        """
        ...

    async def remove(self, upload_id: str) -> None:
        """Remove an upload, if it exists. Raises nothing, as above."""
        ...

    async def expire(self, created_before: int, in_use: Callable[[str], bool]) -> Sequence[object]:
        """Remove and return each upload that arrived before a time, unless `in_use` returns True for its id."""
        ...


class TracedAttempt(Protocol):
    """An attempt as a tracing system sees it."""

    @property
    def place(self) -> str:
        """The place of the attempt in a trace: see `Assignment.trace`."""
        ...

    def end(self, job: Job, outcome: Outcome, pid: int | None) -> None:
        """Note that the attempt has ended, in which process, and what its job becomes."""
        ...


class Traces(Protocol):
    """Reports jobs to a tracing system. Raises nothing and waits for nothing; ignores jobs without a `trace`."""

    def here(self) -> str | None:
        """Return the place in a trace of the request that is being processed: see `Job.trace`."""
        ...

    def begin(self, job: Job) -> TracedAttempt | None:
        """Note that a job has left the queue and runs, and return its newest attempt."""
        ...

    def cancelled(self, job: Job) -> None:
        """Note that a queued job was cancelled."""
        ...

    def interrupted(self, running: Job, job: Job) -> None:
        """Note that an attempt ended with an earlier service, and what its job becomes."""
        ...
