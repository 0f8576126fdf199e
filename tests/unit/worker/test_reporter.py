import multiprocessing
import os
import signal
from collections.abc import AsyncIterator
from multiprocessing.connection import Connection
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offload.jobs.model import AttemptKey
from offload.stores.board import Board
from offload.wire.board import Entry, Key, Value
from offload.worker.reporter import FIRST_S, LARGEST, LOOK_S, NOTE_CHARS, WRITE_S, Reporter, sanitized
from tests.support.waiting import until

JOB: Key = ("job", 1)
NEXT: Key = ("next", 1)


class RecordingEntries(dict[Key, Value]):
    """A board in this process that records its operations, and can fail like a Manager."""

    def __init__(self) -> None:
        super().__init__()
        self.operations: list[str] = []
        self.broken: Exception | None = None

    def __setitem__(self, key: Key, value: Value) -> None:
        self._operate("set")
        super().__setitem__(key, value)

    def pop(self, key: Key, default: None) -> Value | None:  # type: ignore[override]  # the one form that is used
        self._operate("pop")
        return super().pop(key, default)

    def hang_up(self) -> None:
        self.operations.append("hang up")

    def _operate(self, name: str) -> None:
        self.operations.append(name)
        if self.broken is not None:
            raise self.broken


class Looking:
    """A reporter without its thread: the test calls `at`, in seconds since the attempt started."""

    def __init__(self) -> None:
        self.board = RecordingEntries()
        self.connections = 0
        self.reporter = Reporter("address", b"key", self._connect)
        self.started = 0.0

    def _connect(self, address: str, authkey: bytes) -> RecordingEntries:
        assert (address, authkey) == ("address", b"key")
        self.connections += 1
        return self.board

    def begin(self, key: Key = JOB) -> None:
        self.reporter.begin(key)
        current = self.reporter._current
        assert current is not None
        self.started = current[2]

    def at(self, seconds: float) -> bool:
        return self.reporter.look(self.started + seconds)


def test_a_short_job_costs_no_board_operation() -> None:
    looking = Looking()
    looking.begin()
    looking.reporter.progress(1, 2)
    assert looking.at(FIRST_S / 2)
    looking.reporter.end()
    assert not looking.at(FIRST_S)
    assert looking.connections == 0


def test_a_longer_job_is_written_with_its_process_and_removed_at_its_end() -> None:
    looking = Looking()
    looking.begin()
    looking.at(FIRST_S + LOOK_S)
    assert list(looking.board) == [JOB]
    assert Entry(*looking.board[JOB])[0::2] == (os.getpid(), None, None)
    looking.reporter.end()
    looking.at(FIRST_S + 2 * LOOK_S)
    assert looking.board == {}
    assert looking.board.operations == ["set", "pop"]


def test_at_most_ten_writes_a_second() -> None:
    looking = Looking()
    looking.begin()
    looks = 400
    for look in range(looks):
        looking.reporter.progress(look)
        looking.at(look * LOOK_S)
    assert looking.board.operations.count("set") <= looks * LOOK_S / WRITE_S + 1
    assert looking.board.operations.count("set") > looks * LOOK_S / WRITE_S / 2


def test_the_rate_limit_holds_across_attempts() -> None:
    looking = Looking()
    looking.begin()
    start = looking.started
    for number in range(40):
        looking.begin(("job", number))
        looking.reporter.look(start + number * 0.03 + 0.03)
    assert looking.board.operations.count("set") <= 40 * 0.03 / WRITE_S + 1


def test_nothing_is_written_while_nothing_changes() -> None:
    looking = Looking()
    looking.begin()
    for second in range(1, 10):
        looking.reporter.progress(5, 10)
        looking.at(second)
    assert looking.board.operations == ["set"]


def test_the_newest_progress_is_written() -> None:
    looking = Looking()
    looking.begin()
    for done in range(1000):
        looking.reporter.progress(done, 1000, unit="bytes", note="reading")
    looking.at(1)
    assert Entry(*looking.board[JOB])[2:] == (999, 1000, "bytes", "reading")


def test_the_next_attempt_replaces_the_entry_and_its_progress() -> None:
    looking = Looking()
    looking.begin()
    looking.reporter.progress(7)
    looking.at(1)
    looking.reporter.end()
    looking.begin(NEXT)
    looking.at(2)
    assert list(looking.board) == [NEXT]
    assert Entry(*looking.board[NEXT]).done is None


@pytest.mark.parametrize("fault", [BrokenPipeError(), EOFError(), ConnectionRefusedError(), KeyError("id")])
def test_after_a_broken_connection_the_entry_is_written_again_by_a_new_one(fault: Exception) -> None:
    looking = Looking()
    looking.begin()
    looking.at(1)
    looking.board.broken = fault
    looking.reporter.progress(2)
    assert looking.at(2)
    looking.board.broken = None
    looking.board.clear()
    looking.at(3)
    assert Entry(*looking.board[JOB]).done == 2
    assert looking.board.operations == ["set", "set", "hang up", "set"]
    assert looking.connections == 2


def test_the_removal_of_an_entry_is_not_tried_for_ever() -> None:
    looking = Looking()
    looking.begin()
    looking.at(1)
    looking.board.broken = ConnectionRefusedError()
    looking.reporter.end()
    assert not looking.at(2)


class EvilIndex:
    def __index__(self) -> int:
        raise RuntimeError("on purpose")


class EvilText(str):
    __slots__ = ()

    def __str__(self) -> str:
        raise RuntimeError("on purpose")

    def __getitem__(self, _: object) -> str:
        raise RuntimeError("on purpose")

    def encode(self, *_: object, **__: object) -> bytes:
        raise RuntimeError("on purpose")


@pytest.mark.parametrize(
    ("reported", "sanitized_values"),
    [
        ((3, 10, "bytes", "so far"), (3, 10, "bytes", "so far")),
        ((12, 10, None, None), (10, 10, None, None)),
        ((-1, -5, None, None), (None, None, None, None)),
        ((0, 0, None, None), (0, None, None, None)),
        ((True, False, None, None), (None, None, None, None)),
        ((2.9, 10.0, None, None), (2, 10, None, None)),
        ((float("nan"), float("inf"), None, None), (None, None, None, None)),
        (("3", object(), 4, b"note"), (None, None, None, None)),
        ((EvilIndex(), 10**5000, EvilText("mm"), EvilText("a note")), (None, LARGEST, "mm", "a note")),
        ((None, None, "u" * 1000, "n" * 10**6), (None, None, "u" * 20, "n" * NOTE_CHARS)),
        ((None, None, None, "\ud800x"), (None, None, None, "?x")),
    ],
)
def test_whatever_a_task_reports_is_sanitized(
    reported: tuple[object, object, object, object], sanitized_values: tuple[object, object, object, object]
) -> None:
    assert sanitized(reported) == sanitized_values


anything = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.binary())


@given(st.tuples(anything, anything, anything, anything))
def test_sanitized_values_are_counts_within_their_total_and_valid_text(
    reported: tuple[object, object, object, object],
) -> None:
    done, total, unit, note = sanitized(reported)
    assert done is None or 0 <= done <= (total or LARGEST)
    assert total is None or 0 < total <= LARGEST
    for text in (unit, note):
        assert text is None or len(text.encode()) <= 4 * NOTE_CHARS


def work(address: str, authkey: bytes, orders: Connection) -> None:
    """A lane's process that executes orders: ("begin", key), ("progress", done), ("end",), ("fork",)."""
    reporter = Reporter(address, authkey)
    reporter.start()
    while orders.poll(60):  # with a limit, like every wait of a test
        match orders.recv():
            case ("begin", key):
                reporter.begin(key)
            case ("progress", done):
                reporter.progress(done)
            case ("end",):
                reporter.end()
            case ("fork",):
                child = multiprocessing.get_context("fork").Process(target=int)
                child.start()
                child.join(10)
                orders.send(child.exitcode)
                continue
            case _:
                return
        orders.send("done")


class OrderedProcess:
    """The other end of `work`."""

    def __init__(self, board: Board) -> None:
        context = multiprocessing.get_context("forkserver")
        self._pipe, theirs = context.Pipe()
        self.process = context.Process(target=work, args=(board.address, board.authkey, theirs))
        self.process.start()
        theirs.close()

    def order(self, *what: object) -> object:
        self._pipe.send(what)
        assert self._pipe.poll(10), f"no reply to {what}"
        return self._pipe.recv()

    def close(self) -> None:
        self.process.kill()
        self.process.join(5)
        self.process.close()
        self._pipe.close()


@pytest.fixture
async def board(tmp_path: Path) -> AsyncIterator[Board]:
    board = Board(tmp_path / "run")
    await board.open()
    yield board
    await board.close()


@pytest.fixture
async def lane(board: Board) -> AsyncIterator[OrderedProcess]:
    lane = OrderedProcess(board)
    yield lane
    lane.close()


@pytest.mark.anyio
async def test_the_progress_of_a_real_process_is_seen(board: Board, lane: OrderedProcess) -> None:
    seen: list[Entry] = []
    board.watch(AttemptKey(*JOB), seen.append)
    lane.order("begin", JOB)
    lane.order("progress", 41)
    await until(lambda: seen and seen[-1].done == 41, what="the progress")
    assert seen[-1].pid == lane.process.pid


@pytest.mark.anyio
@pytest.mark.parametrize("blow", [signal.SIGKILL, signal.SIGSTOP])
async def test_a_lane_continues_to_report_after_the_loss_of_the_manager(
    board: Board, lane: OrderedProcess, blow: signal.Signals
) -> None:
    seen: list[Entry] = []
    board.watch(AttemptKey(*JOB), seen.append)
    lane.order("begin", JOB)
    await until(lambda: seen, what="the first entry")
    old = board.pid
    assert old is not None
    os.kill(old, blow)
    for done in range(20):
        lane.order("progress", done)  # returns although the Manager is gone
    await until(lambda: seen[-1].done == 19, what="progress through the new Manager")
    assert board.pid != old


@pytest.mark.anyio
async def test_a_task_may_fork_while_the_manager_is_stopped(board: Board, lane: OrderedProcess) -> None:
    seen: list[Entry] = []
    board.watch(AttemptKey(*JOB), seen.append)
    lane.order("begin", JOB)
    await until(lambda: seen, what="a connection to the board")
    board.forget(AttemptKey(*JOB))  # or the board would notice the stopped Manager and kill it
    assert board.pid is not None
    os.kill(board.pid, signal.SIGSTOP)
    assert lane.order("fork") == 0
