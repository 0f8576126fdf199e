"""Everything that the jobs need from outside, on one page, each method with its contract.

Implementations are in `engines/` and `stores/`; `main.py` alone knows which. The suites in `tests/contracts` hold
each implementation to what is said here.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple, Protocol, get_args

from offload.jobs.model import Assignment, AttemptKey, Batch, Job, LogLine, Outcome, Progress, State, Upload


class Clock(Protocol):
    def __call__(self) -> int:
        """The time: whole microseconds since the epoch, UTC. May go backwards, as clocks do."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneView:
    """One lane as `/stats` shows it. `busy_s` is how long its present attempt has been running."""

    state: Literal["idle", "busy", "opening"]
    pid: int | None
    job: str | None
    busy_s: float | None


Replaced = Literal[
    "cancelled", "timed-out", "memory-exceeded", "died", "unfit", "suspended", "unresponsive", "not-opened"
]
"""Why a lane got a new process: it was ended for its job's sake, it ended by itself, the task left it unfit for the
next one, it was stopped (SIGSTOP), it did not answer, or it could not be opened."""

REPLACED: tuple[Replaced, ...] = get_args(Replaced)


class Engine(Protocol):
    """Runs attempts, each in a process that can be stopped."""

    @property
    def free_slots(self) -> int:
        """How many more attempts can start now. May shrink or grow at any moment; 0 while down."""
        ...

    async def open(self, changed: Callable[[], None]) -> None:
        """Ends whatever an earlier service left running, then offers slots.

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

        The slot is claimed before the first await. Without a free slot, or while closing, all attempts are `Rejected`.
        Both callbacks run on the event loop: `on_outcome` once for each attempt, soon after its end; `on_progress` at
        most ten times a second. An attempt is ended at its time or memory limit (`Stopped`), and when its process stays
        suspended (`Lost`). When an attempt takes long or ends the process, the attempts behind it have not started and
        are `Rejected` soon. Cancelling the coroutine stops no attempt. A result over 16 KiB is on disk, in the
        attempt's result file, before `on_outcome` gets `Done`.
        """
        ...

    async def stop(self, key: AttemptKey) -> bool:
        """Ends that attempt's process, C code included, within a second; its `run` then tells `Stopped(by="request")`.

        One that has not begun is `Rejected` instead. True: the process is gone, or was never there. False: it is out
        of reach and may still be running. An attempt that has already ended, or isn't known, is left alone: True. An
        outcome that was on its way is told as it is.
        """
        ...

    async def close(self) -> None:
        """Ends every process of the engine in bounded time. Attempts still running are told as `Stopped`."""
        ...

    def lanes(self) -> Sequence[LaneView]:
        """What every lane is doing now."""
        ...

    def pid(self, key: AttemptKey) -> int | None:
        """Return the id of the process that runs an attempt, or None. Still known while `on_outcome` is called."""
        ...

    def replaced(self) -> Mapping[Replaced, int]:
        """How often a lane has got a new process since the start, by reason; reasons that never came may be missing."""
        ...

    async def check(self) -> str | None:
        """Asks the idle lanes for an answer. None where at least one lane works, else what is wrong, in a sentence."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class IdempotencyKey:
    """A client's name for a submission, and a digest of what it submitted."""

    owner: str | None
    key: str
    fingerprint: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownKey:
    """What the journal remembers of a key, which stands for a job or for a batch."""

    fingerprint: bytes
    job_id: str | None = None
    batch_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JobFilter:
    """Which jobs a list shows; what is None or empty does not filter. Times in microseconds, both ends exclusive."""

    states: frozenset[State] = frozenset()
    task: str | None = None
    label: str | None = None
    batch_id: str | None = None
    owner: str | None = None
    created_after: int | None = None
    created_before: int | None = None


PAGE_BYTES = 16 << 20
"""Of parameters and results in one page: a thousand small results, but not a thousand of the largest parameters."""


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
    """A job and its place in its batch: 0 for the one that was submitted first."""

    place: int
    job: Job


@dataclass(frozen=True, slots=True, kw_only=True)
class EndedJobs:
    """The jobs that ended in a span of time."""

    counts: Mapping[State, int]
    """Of each terminal state, where there are any."""
    ran_s: Sequence[float]
    """How long attempts took that succeeded, in seconds, shortest first."""
    waited_s: Sequence[float]
    """From the acceptance to the start of the newest attempt, shortest first."""


class Journal(Protocol):
    """The durable record of every job and batch. An awaited write is on disk: it survives kill -9 and a power cut.

    Writes take effect in the order of their calls: the write has its place when the call returns, the awaitable tells
    when it is on disk. They raise `errors.StorageFullError` where the disk is full and `errors.StorageFailedError`
    where it fails otherwise; the write then has not happened, and later ones may succeed again.
    """

    async def open(self) -> None:
        """Makes or upgrades the schema. Raises `errors.BootError` where it can't be used, saying what to do."""
        ...

    async def close(self) -> None:
        """Writes what has its place, then lets go of the file."""
        ...

    def add(
        self, jobs: Sequence[Job], key: IdempotencyKey | None = None, batch: Batch | None = None
    ) -> asyncio.Future[None]:
        """Records new jobs, all or none; with `batch`, that they are its members, all of them queued.

        With `key`, that it stands for the batch, else for the first job, whose owner is the key's. Raises
        `errors.DuplicateKeyError` where (owner, key) is already known, for whichever of the two.
        """
        ...

    async def find_key(self, owner: str | None, key: str) -> KnownKey | None:
        """What this key stands for, where it has been used and not yet expired."""
        ...

    async def get(self, job_id: str) -> Job | None:
        """The job as last written. None where there is none, whatever the text of the id."""
        ...

    async def list(self, where: JobFilter, limit: int, before: int | None = None) -> Page:
        """Up to `limit` jobs, newest first, from the place `before` (a `Page.next`) on; at least one if there is any.

        The page ends early with the job whose parameters and result make it `PAGE_BYTES` or more.

        The cost does not grow with the rows that earlier pages showed.
        """
        ...

    def replace(self, job: Job, was: AttemptKey, state: State) -> asyncio.Future[bool]:
        """Writes `job` over the record that is still in `state` with `was`'s attempt number; False where it is not.

        Only what an attempt changes is written (state to usage in `Job`); what was accepted stays as it was.
        """
        ...

    async def ended_between(self, owner: str | None, begin: int, end: int, sample: int) -> EndedJobs:
        """The jobs that ended at `begin` or later and before `end`; only the owner's, where one is named.

        Durations are those of all, or of about `sample` of them where there are more, taken evenly. The cost grows with
        the jobs that ended in that span, whoever owns them, and with no others.
        """
        ...

    async def live(self) -> Sequence[Job]:
        """Every queued or running job, oldest first; those of a batch are neighbours."""
        ...

    def remove(self, job_id: str) -> Awaitable[bool]:
        """Forgets a terminal job and its idempotency key; False where there is no such terminal job."""
        ...

    async def expire(self, finished_before: int, key_before: int, limit: int) -> Sequence[Job]:
        """Forgets up to `limit` terminal jobs, oldest first, that finished before a time and tells which.

        A job whose idempotency key is younger than `key_before` is kept. A batch goes as a whole, in the same way by
        its own end and key; its members are kept as long as it is. Where its forgetting is cut short, by `limit` or by
        a crash, the next call goes on with it.
        """
        ...

    async def get_batch(self, batch_id: str) -> Batch | None:
        """The batch, with the counts that all writes so far have made. None where there is none."""
        ...

    async def list_batches(self, owner: str | None, limit: int, before: int | None = None) -> BatchPage:
        """Up to `limit` batches, newest first, from the place `before` on; only the owner's, where one is named.

        Their `source` is left out: one may be megabytes.
        """
        ...

    async def members(self, batch_id: str, begin: int, limit: int) -> Sequence[Member]:
        """Up to `limit` members of a batch in the order of submission, from the place `begin` on.

        The cost does not grow with `begin`.
        """
        ...

    async def remove_batch(self, batch_id: str, limit: int) -> Sequence[Job]:
        """Forgets up to `limit` members of a batch and tells which; the batch itself, once none is left.

        So it is to be called until the answer is empty. Nothing is forgotten of a batch with live members.
        """
        ...

    async def check(self) -> str | None:
        """Really reads and writes. None where both work, else what is wrong, in a sentence."""
        ...


class ResultFiles(Protocol):
    """The place of results too large to travel inline. A lane writes a file; the front desk reads and removes it."""

    def path(self, key: AttemptKey) -> Path:
        """Where that attempt's result is, or would be."""
        ...

    async def remove(self, *job_ids: str) -> None:
        """Removes the files of all attempts of these jobs. Raises nothing: what can't be removed is left for later."""
        ...


class LogFiles(Protocol):
    """What attempts have printed and logged. A lane writes it; the front desk reads and removes it."""

    async def read(self, key: AttemptKey) -> Sequence[LogLine]:
        """The newest lines of an attempt, at most some 256 KiB of them, oldest first; also while it runs."""
        ...

    async def remove(self, *last: AttemptKey) -> None:
        """Removes those of jobs: of all attempts up to the last they may have had. Raises nothing, as above."""
        ...


class Uploads(Protocol):
    """The spool of uploaded files, as far as jobs are concerned."""

    async def get(self, upload_id: str) -> Upload | None:
        """The upload, whoever owns it. None where there is none, whatever the text of the id."""
        ...

    async def belongs(self, upload_id: str, owner: str | None) -> bool:
        """True where there is such an upload and it is this owner's; whoever's it is, where `owner` is None.

        False from the moment on when it begins to be removed.
        """
        ...

    async def remove(self, upload_id: str) -> None:
        """Forgets an upload; nothing happens where there is none. Raises nothing, as above."""
        ...

    async def expire(self, created_before: int, in_use: Callable[[str], bool]) -> Sequence[object]:
        """Forgets each upload that arrived before a time and that `in_use` denies; tells which."""
        ...


class TracedAttempt(Protocol):
    """An attempt as a tracing system sees it."""

    @property
    def place(self) -> str:
        """Where in a trace it stands: see `Assignment.trace`."""
        ...

    def end(self, job: Job, outcome: Outcome, pid: int | None) -> None:
        """It has ended, in that process, and this is what its job becomes."""
        ...


class Traces(Protocol):
    """Tells a tracing system what becomes of jobs. Raises nothing, waits for nothing; jobs without a `trace` are
    nothing to it.
    """

    def here(self) -> str | None:
        """Where in a trace the request stands that is being answered: see `Job.trace`."""
        ...

    def begin(self, job: Job) -> TracedAttempt | None:
        """A job has left the queue and runs; this is its newest attempt."""
        ...

    def cancelled(self, job: Job) -> None:
        """A job has left the queue since it was cancelled."""
        ...

    def interrupted(self, running: Job, job: Job) -> None:
        """An attempt that an earlier service had begun has ended with it; this is what its job becomes."""
        ...
