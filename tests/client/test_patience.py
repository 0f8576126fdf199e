"""How long is tried again, by a clock that stands still unless told."""

import itertools
from types import SimpleNamespace

import pytest

from offload.client import RefusedError, UnreachableError, patience
from offload.client.patience import Service, Tries

FULL = RefusedError({"type": "/problems/queue-full"}, status=503, retry_after=1)
STOPPING = RefusedError({"type": "/problems/shutting-down"}, status=503)
Error = RefusedError | UnreachableError
GONE = UnreachableError("http://127.0.0.1:1", "gone")


class Clock:
    """Seconds, as `time.monotonic` has them."""

    now = 1000.0


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(patience, "time", SimpleNamespace(monotonic=lambda: clock.now))
    return clock


def tries(*, room_s: float, met: bool = True) -> Tries:
    return Tries(service=Service(url="", timeout_s=30, patience_s=60, room_s=room_s, met=met))


def until_enough(waiting: Tries, clock: Clock, *errors: Error) -> None:
    """Fails by these errors, in turn and after each pause, for as long as that may be."""
    for error in itertools.cycle(errors):
        clock.now += waiting.failed(error)


@pytest.mark.parametrize("error", [GONE, STOPPING])
def test_waiting_for_room_takes_nothing_from_the_patience_with_a_restart(clock: Clock, error: Error) -> None:
    waiting = tries(room_s=float("inf"))
    for _ in range(100):
        clock.now += waiting.failed(FULL) + 60
    began = clock.now
    with pytest.raises(type(error)):
        until_enough(waiting, clock, error)
    assert 45 < clock.now - began <= 60


def test_a_service_that_has_no_room_between_two_restarts_was_there(clock: Clock) -> None:
    waiting = tries(room_s=float("inf"))
    for error in (GONE, FULL, GONE, FULL, GONE):
        waiting.failed(error)
        clock.now += 50


def test_restarts_make_the_wait_for_room_no_longer(clock: Clock) -> None:
    waiting = tries(room_s=60)
    began = clock.now
    with pytest.raises(RefusedError):
        until_enough(waiting, clock, FULL, GONE)
    assert clock.now - began <= 70


def test_who_was_never_met_is_given_a_second(clock: Clock) -> None:
    waiting = tries(room_s=60, met=False)
    began = clock.now
    with pytest.raises(UnreachableError):
        until_enough(waiting, clock, GONE)
    assert clock.now - began <= 1


def test_the_service_says_how_long_to_wait_at_least() -> None:
    assert 7 <= tries(room_s=60).failed(RefusedError({}, status=503, retry_after=7)) <= 7 * 1.3


def test_success_begins_anew(clock: Clock) -> None:
    waiting = tries(room_s=60)
    waiting.failed(GONE)
    clock.now += 59.9
    waiting.succeeded()
    assert waiting.failed(GONE) < 0.14
