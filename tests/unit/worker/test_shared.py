"""What the front desk and a lane share, with the lane in a thread."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import get_context

import pytest

from app.worker import execute as lane
from app.worker.messages import Call, Reply, Spent
from app.worker.shared import Desk, Shared
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


def collected(desk: Desk, replies: int) -> list[bytes | None]:
    got: list[Reply] = []

    def enough() -> bool:
        got.extend(desk.collect())
        return len(got) >= replies

    until_sync(enough, what=f"{replies} replies")
    return [reply.result for reply in got]


def test_each_is_replied_to_and_the_last_says_that_the_lane_is_done(desk: Desk, runner: Runner) -> None:
    runner.let.set()
    desk.offer([call("a"), call("b"), call("c")])
    with ThreadPoolExecutor(1) as lanes:
        left = lanes.submit(lane.execute)
        assert collected(desk, 3) == [b"a", b"b", b"c"]
        assert desk.done
        assert left.result(10) == 1


def test_a_lane_is_not_done_before_it_can_take_no_more(
    desk: Desk, runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else what is released for the next hand-over could begin what was taken back from this one."""
    look = threading.Event()
    may_begin = Shared.may_begin
    monkeypatch.setattr(Shared, "may_begin", lambda shared: look.wait(10) and may_begin(shared))
    desk.offer([call("a"), call("b")])
    with ThreadPoolExecutor(1) as lanes:
        lanes.submit(lane.execute)
        until_sync(lambda: runner.begun == ["a"], what="a to begin")
        assert desk.take_back() == 1
        runner.let.set()
        assert collected(desk, 1) == [b"a"]
        assert not desk.done
        look.set()
        until_sync(lambda: desk.collect() == [] and desk.done, what="the lane to be done")
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
