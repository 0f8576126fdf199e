"""The pipes between the server and a lane, with the lane in a thread."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import get_context

import pytest

from offload.engines.local.server_pipe import ServerPipe
from offload.wire.messages import Call, Reply, Spent
from offload.worker import entry_points
from offload.worker.lane_pipe import LanePipe
from tests.support.waiting import until_sync

SPENT = Spent(0.0, 0.0, 0, 0.0)


class FakeRunner:
    """Replaces the lane's runner. The result of each attempt is its own id; none ends before `may_end` is set."""

    def __init__(self) -> None:
        self.started: list[str] = []
        self.may_end = threading.Event()

    def run(self, call: Call) -> Reply:
        self.started.append(call.job_id)
        assert self.may_end.wait(10)
        return Reply(SPENT, None, call.job_id.encode(), 1, None)


@pytest.fixture
def pipe() -> Iterator[ServerPipe]:
    pipe = ServerPipe(get_context("forkserver"))
    yield pipe
    pipe.close()


@pytest.fixture
def runner(pipe: ServerPipe, monkeypatch: pytest.MonkeyPatch) -> FakeRunner:
    runner = FakeRunner()
    monkeypatch.setattr(entry_points, "_runner", runner)
    monkeypatch.setattr(entry_points, "_pipe", LanePipe(pipe.lane_ends))
    return runner


def call(job_id: str) -> Call:
    return Call(job_id, 1, "task", b"{}", None, 1 << 30)


def collected(pipe: ServerPipe, messages: int) -> list[bytes | None]:
    """Waits for this many replies and returns their results; None reports that withdrawn attempts were skipped."""
    got: list[Reply | None] = []

    def enough() -> bool:
        got.extend(pipe.collect())
        return len(got) >= messages

    until_sync(enough, what=f"{messages} messages")
    return [reply and reply.result for reply in got]


def test_each_attempt_gets_a_reply(pipe: ServerPipe, runner: FakeRunner) -> None:
    runner.may_end.set()
    pipe.send([call("a"), call("b"), call("c")])
    with ThreadPoolExecutor(1) as lanes:
        dispatches = lanes.submit(entry_points.run_attempts)
        assert collected(pipe, 3) == [b"a", b"b", b"c"]
        assert dispatches.result(10) == 1


def test_withdrawn_attempts_are_skipped_and_reported_after_the_running_one(
    pipe: ServerPipe, runner: FakeRunner
) -> None:
    pipe.send([call("a"), call("b")])
    with ThreadPoolExecutor(1) as lanes:
        lanes.submit(entry_points.run_attempts)
        until_sync(lambda: runner.started == ["a"], what="a to start")
        assert pipe.withdraw() == 1
        runner.may_end.set()
        assert collected(pipe, 2) == [b"a", None]
    assert runner.started == ["a"]


def test_a_dispatch_sent_as_the_lane_leaves_its_call_waits_for_the_next_call(
    pipe: ServerPipe, runner: FakeRunner
) -> None:
    runner.may_end.set()
    with ThreadPoolExecutor(1) as lanes:
        pipe.confirm(lanes.submit(entry_points.run_attempts).result(10))
        pipe.send([call("late")])
        assert pipe.unconfirmed
        pipe.confirm(lanes.submit(entry_points.run_attempts).result(10))
    assert not pipe.unconfirmed
    assert collected(pipe, 1) == [b"late"]
