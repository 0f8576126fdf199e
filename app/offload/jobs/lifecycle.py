"""The changes of a job's state, one function each. Nothing else makes a record with another state.

    queued ──start──► running ──succeed──► succeeded
      │  ▲               │ ├────fail─────► failed
      │  └─retry,────────┘ └────cancel───► cancelled
      │    requeue
      └───────────cancel─────────────────► cancelled

Times never go back within a job, whatever the clock does: it starts no earlier than it was accepted, and ends no
earlier than it started.

`retry` uses up an attempt: it was lost through no fault of the task, and more are left. `requeue` uses up none: the
attempt never started, or a graceful stop ended it.
"""

from dataclasses import replace

from offload.jobs.model import (
    TERMINAL,
    Done,
    Failed,
    Failure,
    FailureKind,
    Job,
    Lost,
    Outcome,
    Rejected,
    State,
    Stopped,
    Usage,
)

EDGES: frozenset[tuple[State, State]] = frozenset(
    {
        (State.QUEUED, State.RUNNING),
        (State.QUEUED, State.CANCELLED),
        (State.RUNNING, State.SUCCEEDED),
        (State.RUNNING, State.FAILED),
        (State.RUNNING, State.CANCELLED),
        (State.RUNNING, State.QUEUED),
    }
)


class IllegalTransitionError(Exception):
    """A change of state that the drawing above does not have. Always a bug of the caller."""

    def __init__(self, job: Job, to: State) -> None:
        super().__init__(f"job {job.id} is {job.state} (attempt {job.attempt}) and can't become {to}")


def start(job: Job, at: int) -> Job:
    """queued → running: the next attempt is dispatched at time `at`."""
    if job.attempt >= job.max_attempts:
        raise IllegalTransitionError(job, State.RUNNING)
    return _move(job, State.RUNNING, attempt=job.attempt + 1, started_at=max(at, job.created_at), usage=None)


def succeed(job: Job, done: Done, at: int) -> Job:
    """running → succeeded, with the result, or with the size of the result in the attempt's file."""
    return _move(
        job,
        State.SUCCEEDED,
        finished_at=_end(job, at),
        result=done.result,
        result_bytes=done.result_bytes,
        usage=done.usage,
    )


def fail(job: Job, failure: Failure, usage: Usage | None, at: int) -> Job:
    """running → failed."""
    return _move(job, State.FAILED, finished_at=_end(job, at), failure=failure, usage=usage)


def cancel(job: Job, usage: Usage | None, at: int) -> Job:
    """queued or running → cancelled."""
    return _move(job, State.CANCELLED, finished_at=_end(job, at), usage=usage)


def retry(job: Job, usage: Usage | None) -> Job:
    """running → queued: the attempt is used up, another one is left."""
    if job.attempt >= job.max_attempts:
        raise IllegalTransitionError(job, State.QUEUED)
    return _move(job, State.QUEUED, started_at=None, usage=usage)


def requeue(job: Job) -> Job:
    """running → queued, without using up the attempt."""
    return _move(job, State.QUEUED, attempt=job.attempt - 1, started_at=None, usage=None)


def conclude(job: Job, outcome: Outcome, at: int) -> Job:
    """Return what a running job becomes by its attempt's outcome.

    `Stopped(by="request")` becomes cancelled. A caller that stops attempts for another reason (a graceful stop of the
    service) uses `requeue` instead.
    """
    match outcome:
        case Done():
            return succeed(job, outcome, at)
        case Failed(failure=failure, usage=usage):
            return fail(job, failure, usage, at)
        case Stopped(by="request", usage=usage):
            return cancel(job, usage, at)
        case Stopped(by="time", usage=usage):
            detail = f"The job ran longer than its time limit of {job.timeout_s:g} s and was stopped."
            return fail(job, Failure(kind=FailureKind.TIMED_OUT, detail=detail), usage, at)
        case Stopped(usage=usage):
            detail = f"The job used more than its {job.memory_mb} MiB of memory and was stopped."
            return fail(job, Failure(kind=FailureKind.MEMORY_EXCEEDED, detail=detail), usage, at)
        case Lost():
            return _lose(job, FailureKind.WORKER_DIED, outcome, at)
        case Rejected():
            return requeue(job)


def interrupt(job: Job, at: int) -> Job:
    """Return what a job becomes that was running when the service died."""
    return _lose(job, FailureKind.INTERRUPTED, Lost(detail="The service died while the job was running."), at)


def _lose(job: Job, kind: FailureKind, lost: Lost, at: int) -> Job:
    if job.attempt < job.max_attempts:
        return retry(job, lost.usage)
    failure = Failure(kind=kind, detail=lost.detail, exit_code=lost.exit_code, signal=lost.signal)
    return fail(job, failure, lost.usage, at)


def _end(job: Job, at: int) -> int:
    return max(at, job.created_at, job.started_at or 0)


def _move(job: Job, to: State, **changes: object) -> Job:
    if job.state in TERMINAL or (job.state, to) not in EDGES:
        raise IllegalTransitionError(job, to)
    return replace(job, state=to, **changes)  # type: ignore[arg-type]  # each caller names fields of Job
