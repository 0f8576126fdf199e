"""The retry rules, with a clock that only the test moves."""

import itertools
from types import SimpleNamespace

import pytest

from offload.client import NotOffloadError, RefusedError, UnreachableError, retries
from offload.client.retries import Retries, RetryPolicy, is_temporary

FULL = RefusedError({"type": "/problems/queue-full"}, status=503, retry_after=1)
STOPPING = RefusedError({"type": "/problems/stopping"}, status=503)
UNREACHABLE = UnreachableError("http://127.0.0.1:1", "connection refused")
Error = RefusedError | UnreachableError


class Clock:
    """Seconds, as `time.monotonic` returns them."""

    now = 1000.0


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(retries, "time", SimpleNamespace(monotonic=lambda: clock.now))
    return clock


def new_retries(*, room_s: float, deadline: float | None = None) -> Retries:
    return Retries(RetryPolicy(patience_s=60, room_s=room_s), deadline)


def fail_until_raised(retries: Retries, clock: Clock, *errors: Error, reached: bool = True) -> None:
    """Fail with these errors in turn, each after the delay for the one before."""
    for error in itertools.cycle(errors):
        clock.now += retries.delay_after(error, reached=reached)


@pytest.mark.parametrize("error", [UNREACHABLE, STOPPING])
def test_waiting_for_room_leaves_the_patience_for_a_restart(clock: Clock, error: Error) -> None:
    retries = new_retries(room_s=float("inf"))
    for _ in range(100):
        clock.now += retries.delay_after(FULL, reached=True) + 60
    started = clock.now
    with pytest.raises(type(error)):
        fail_until_raised(retries, clock, error)
    assert 45 < clock.now - started <= 60


def test_a_full_service_between_two_restarts_was_reached(clock: Clock) -> None:
    retries = new_retries(room_s=float("inf"))
    for error in (UNREACHABLE, FULL, UNREACHABLE, FULL, UNREACHABLE):
        retries.delay_after(error, reached=True)
        clock.now += 50


def test_restarts_do_not_extend_the_wait_for_room(clock: Clock) -> None:
    retries = new_retries(room_s=60)
    started = clock.now
    with pytest.raises(RefusedError):
        fail_until_raised(retries, clock, FULL, UNREACHABLE)
    assert clock.now - started <= 70


def test_a_service_that_never_responded_is_tried_for_a_second(clock: Clock) -> None:
    started = clock.now
    with pytest.raises(UnreachableError):
        fail_until_raised(new_retries(room_s=60), clock, UNREACHABLE, reached=False)
    assert clock.now - started <= 1


def test_the_deadline_of_the_caller_ends_retries_as_a_timeout(clock: Clock) -> None:
    retries = new_retries(room_s=60, deadline=clock.now + 10)
    with pytest.raises(TimeoutError, match="connection refused"):
        fail_until_raised(retries, clock, UNREACHABLE)
    assert 1000 < clock.now < 1010


def test_a_permanent_error_is_raised_without_a_delay(clock: Clock) -> None:
    with pytest.raises(RefusedError, match="No job"):
        new_retries(room_s=60, deadline=clock.now).delay_after(
            RefusedError({"title": "No job"}, status=404), reached=True
        )


def test_retry_after_is_the_least_delay() -> None:
    error = RefusedError({}, status=503, retry_after=7)
    assert 7 <= new_retries(room_s=60).delay_after(error, reached=True) <= 7 * 1.3


def test_delays_grow_and_have_a_limit() -> None:
    retries = new_retries(room_s=60)
    delays = [retries.delay_after(UNREACHABLE, reached=True) for _ in range(20)]
    for failures, delay in enumerate(delays):
        assert 0.1 * 2**failures <= delay <= 0.13 * 2**failures or 5 <= delay <= 6.5


def test_a_success_forgets_the_failures(clock: Clock) -> None:
    retries = new_retries(room_s=60)
    retries.delay_after(UNREACHABLE, reached=True)
    clock.now += 59.9
    retries.reset()
    assert retries.delay_after(UNREACHABLE, reached=True) < 0.14


@pytest.mark.parametrize(
    ("error", "temporary"),
    [
        (RefusedError({"type": "/problems/idempotency-in-flight"}, status=409), True),
        (RefusedError({"type": "/problems/job-finished"}, status=409), False),
        (RefusedError({"type": "/problems/quota-exceeded"}, status=429), True),
        (RefusedError({"type": "/problems/queue-full"}, status=503), True),
        (RefusedError({"type": "/problems/internal-error"}, status=500), False),
        (NotOffloadError("", "a page", status=500), False),
        (NotOffloadError("", "a page", status=502), True),
        (NotOffloadError("", "a page", status=503), True),
        (NotOffloadError("", "a page", status=504), True),
        (UNREACHABLE, True),
    ],
)
def test_what_is_temporary(error: Error, temporary: bool) -> None:
    assert is_temporary(error) is temporary
