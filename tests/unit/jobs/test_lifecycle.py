"""The life cycle as a state machine: its rules hold for any events in any order."""

import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from offload.jobs import lifecycle
from offload.jobs.lifecycle import EDGES, IllegalTransitionError
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

USAGE = Usage(wall_s=1.0)
OUTCOMES = st.one_of(
    st.builds(Done, result=st.just(b"1"), result_bytes=st.just(1), usage=st.just(USAGE)),
    st.builds(Failed, failure=st.just(Failure(kind=FailureKind.TASK_RAISED, detail="no")), usage=st.just(USAGE)),
    st.builds(Stopped, by=st.sampled_from(["request", "time", "memory"]), usage=st.just(USAGE)),
    st.builds(Lost, detail=st.just("died"), signal=st.just("SIGKILL")),
    st.builds(Rejected, detail=st.just("full")),
)


def a_job(**changes: object) -> Job:
    job = Job(id="1", task="t", params=b"{}", created_at=0, timeout_s=60, memory_mb=64, max_attempts=2)
    return replace(job, **changes)  # type: ignore[arg-type]  # each caller names fields of Job


class LifeOfAJob(RuleBasedStateMachine):
    """Starts, outcomes, cancels, graceful stops and crashes of the service, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.job = a_job()
        self.now = 0
        self.used_up = 0
        self.last: Job | None = None

    def move(self, job: Job) -> None:
        assert (self.job.state, job.state) in EDGES
        self.last, self.job = self.job, job

    @precondition(lambda self: self.job.state is State.QUEUED)
    @rule()
    def start(self) -> None:
        self.now += 1
        self.move(lifecycle.start(self.job, self.now))
        assert self.job.attempt == self.used_up + 1
        assert self.job.started_at == self.now

    @precondition(lambda self: self.job.state is State.RUNNING)
    @rule(outcome=OUTCOMES)
    def end(self, outcome: Outcome) -> None:
        self.now += 1
        attempt = self.job.attempt
        self.move(lifecycle.conclude(self.job, outcome, self.now))
        if not isinstance(outcome, Rejected):
            self.used_up = attempt
        match outcome:
            case Done():
                assert self.job.state is State.SUCCEEDED
            case Failed() | Stopped(by="time" | "memory"):
                assert self.job.state is State.FAILED
            case Stopped():
                assert self.job.state is State.CANCELLED
            case Lost():
                assert self.job.state is (State.FAILED if attempt == self.job.max_attempts else State.QUEUED)
            case Rejected():
                assert self.job.state is State.QUEUED

    @precondition(lambda self: self.job.state in {State.QUEUED, State.RUNNING})
    @rule()
    def cancel(self) -> None:
        self.now += 1
        self.move(lifecycle.cancel(self.job, None, self.now))
        assert self.job.state is State.CANCELLED

    @precondition(lambda self: self.job.state is State.RUNNING)
    @rule()
    def stop_gracefully(self) -> None:
        self.move(lifecycle.requeue(self.job))
        assert self.job.attempt == self.used_up

    @precondition(lambda self: self.job.state is State.RUNNING)
    @rule()
    def crash_of_the_service(self) -> None:
        self.now += 1
        attempt = self.job.attempt
        self.move(lifecycle.interrupt(self.job, self.now))
        self.used_up = attempt
        if self.job.state is State.FAILED:
            assert self.job.failure is not None
            assert self.job.failure.kind is FailureKind.INTERRUPTED

    @precondition(lambda self: self.job.state in TERMINAL)
    @rule(outcome=OUTCOMES)
    def nothing_changes_a_terminal_state(self, outcome: Outcome) -> None:
        changes: list[Callable[[], Job]] = [
            lambda: lifecycle.start(self.job, 9),
            lambda: lifecycle.conclude(self.job, outcome, 9),
            lambda: lifecycle.cancel(self.job, None, 9),
            lambda: lifecycle.requeue(self.job),
            lambda: lifecycle.interrupt(self.job, 9),
        ]
        for change in changes:
            with pytest.raises(IllegalTransitionError):
                change()

    @invariant()
    def what_a_record_says_agrees_with_its_state(self) -> None:
        job = self.job
        assert 0 <= job.attempt <= job.max_attempts
        assert job.state.terminal == (job.finished_at is not None)
        assert (job.state is State.FAILED) == (job.failure is not None)
        assert (job.state is State.SUCCEEDED) == (job.result_bytes is not None)
        assert (job.state is not State.RUNNING) or (job.started_at is not None)
        if job.state is State.QUEUED:
            assert job.attempt < job.max_attempts
            assert job.started_at is None


TestLifeOfAJob = LifeOfAJob.TestCase


def test_a_job_without_attempts_left_is_not_started() -> None:
    with pytest.raises(IllegalTransitionError):
        lifecycle.start(a_job(attempt=2), 1)


def test_every_edge_has_a_function() -> None:
    queued, running = a_job(), lifecycle.start(a_job(), 1)
    done = Done(result=b"1", result_bytes=1, usage=USAGE)
    made = {
        (State.QUEUED, running.state),
        (State.QUEUED, lifecycle.cancel(queued, None, 2).state),
        (State.RUNNING, lifecycle.succeed(running, done, 2).state),
        (State.RUNNING, lifecycle.conclude(running, Stopped(by="time"), 2).state),
        (State.RUNNING, lifecycle.cancel(running, None, 2).state),
        (State.RUNNING, lifecycle.retry(running, None).state),
    }
    assert made == EDGES


def test_the_drawing_shows_every_state() -> None:
    drawing = re.split(r"\n\n", lifecycle.__doc__ or "")[1]
    assert {word for word in re.findall(r"[a-z]+", drawing) if word in set(State)} == set(State)
