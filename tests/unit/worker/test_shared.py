"""What the front desk and a lane share, with the lane in a thread."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import get_context

import pytest

from offload.wire.messages import Call, Reply, Spent
from offload.wire.pipes import Desk
from offload.worker import lane
from tests.support.waiting import until_sync

SPENT = Spent(0.0, 0.0, 0, 0.0)


class Runner:
    """In place of the lane: ends each attempt with its own id, when it is let."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.let = threading.Event()

    def execute(self, call: Call) -> Reply:
        self.begun.append(call.job_id)
        assert self.let.wait(10)
        return Reply(SPENT, None, call.job_id.encode(), 1, None)


@pytest.fixture
def desk() -> Iterator[Desk]:
    desk = Desk(get_context("forkserver"))
    yield desk
    desk.close()


@pytest.fixture
def runner(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Runner:
    runner = Runner()
    monkeypatch.setattr(lane, "_lane", runner)
    monkeypatch.setattr(lane, "_shared", desk.lane)
    return runner


def call(job_id: str) -> Call:
    return Call(job_id, 1, "task", b"{}", None, 1 << 30)


def collected(desk: Desk, messages: int) -> list[bytes | None]:
    """The results of so many replies; None for the message that the lane has left what was taken back."""
    got: list[Reply | None] = []

    def enough() -> bool:
        got.extend(desk.collect())
        return len(got) >= messages

    until_sync(enough, what=f"{messages} messages")
    return [reply and reply.result for reply in got]


def test_each_is_replied_to(desk: Desk, runner: Runner) -> None:
    runner.let.set()
    desk.offer([call("a"), call("b"), call("c")])
    with ThreadPoolExecutor(1) as lanes:
        left = lanes.submit(lane.execute)
        assert collected(desk, 3) == [b"a", b"b", b"c"]
        assert left.result(10) == 1


def test_what_was_taken_back_is_left_before_that_is_told(desk: Desk, runner: Runner) -> None:
    desk.offer([call("a"), call("b")])
    with ThreadPoolExecutor(1) as lanes:
        lanes.submit(lane.execute)
        until_sync(lambda: runner.begun == ["a"], what="a to begin")
        assert desk.take_back() == 1
        runner.let.set()
        assert collected(desk, 2) == [b"a", None]
    assert runner.begun == ["a"]


def test_a_hand_over_that_comes_as_the_lane_leaves_waits_for_the_next_call(desk: Desk, runner: Runner) -> None:
    runner.let.set()
    with ThreadPoolExecutor(1) as lanes:
        desk.taken(lanes.submit(lane.execute).result(10))
        desk.offer([call("late")])
        assert desk.waiting
        desk.taken(lanes.submit(lane.execute).result(10))
    assert not desk.waiting
    assert collected(desk, 1) == [b"late"]
