import asyncio
import os
import signal
import stat
import sys
import tempfile
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import NoReturn

import psutil
import pytest

from offload.errors import BootError
from offload.jobs.model import AttemptKey
from offload.stores.board import Board
from offload.stores.directories import LONGEST_SOCKET_DIRECTORY, remove_socket_directory, socket_directory
from offload.wire.board import Entry, Key, Value, connect
from tests.support.waiting import until

pytestmark = pytest.mark.anyio

FIRST, SECOND = AttemptKey("job", 1), AttemptKey("job", 2)


@asynccontextmanager
async def opened(run_dir: Path) -> AsyncIterator[Board]:
    board = Board(run_dir)
    await board.open()
    try:
        yield board
    finally:
        await board.close()


@pytest.fixture
async def board(tmp_path: Path) -> AsyncIterator[Board]:
    async with opened(tmp_path / "run") as board:
        yield board


async def write(board: Board, key: Key, done: int, started_at: int = 1_000_000) -> None:
    value: Value = (4711, started_at, done, 10, "steps", None)
    await asyncio.to_thread(lambda: connect(board.address, board.authkey).__setitem__(key, value))


async def read(board: Board) -> dict[Key, Value]:
    return await asyncio.to_thread(lambda: connect(board.address, board.authkey).copy())


def pid(board: Board) -> int:
    assert board.pid is not None
    return board.pid


def alive(process: int) -> bool:
    """Where init reaps lazily, a process that has ended remains as a zombie for a while."""
    try:
        return psutil.Process(process).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def files_in(directory: Path) -> list[Path]:
    return list(directory.iterdir())


def served() -> list[int]:
    """The processes that the forkserver has running."""
    return [child.pid for child in psutil.Process().children(recursive=True) if child.ppid() != os.getpid()]


async def rebuilt(board: Board, old: int) -> None:
    async def works() -> bool:
        return await board.check() is None and board.pid != old

    await until(works, what="a new Manager that answers")


async def test_entries_of_watched_attempts_reach_the_event_loop(board: Board) -> None:
    seen: list[Entry] = []
    board.watch(FIRST, seen.append)
    await write(board, FIRST, 3)
    await until(lambda: seen, what="the entry")
    assert seen == [Entry(4711, 1_000_000, 3, 10, "steps", None)]


async def test_only_changes_are_notified(board: Board) -> None:
    seen: list[int | None] = []
    board.watch(FIRST, lambda entry: seen.append(entry.done))
    await write(board, FIRST, 1)
    await until(lambda: seen, what="the first entry")
    await write(board, FIRST, 1)
    await write(board, FIRST, 2)
    await until(lambda: 2 in seen, what="the changed entry")
    assert seen == [1, 2]


async def test_the_entry_of_an_unwatched_attempt_is_removed(board: Board) -> None:
    seen: list[Entry] = []
    board.watch(SECOND, seen.append)
    await write(board, FIRST, 3)

    async def gone() -> bool:
        return not await read(board)

    await until(gone, what="the first attempt's entry gone")
    assert seen == []


async def test_an_entry_that_is_older_than_its_watch_is_notified(board: Board) -> None:
    """A lane writes some 25 ms after its attempt began; the engine may begin to watch later than that."""
    others: list[Entry] = []
    seen: list[Entry] = []
    board.watch(SECOND, others.append)
    await write(board, FIRST, 3, started_at=time.time_ns() // 1000)
    for done in (1, 2):  # two rounds of the mirror have seen the unwatched entry
        await write(board, SECOND, done)
        await until(lambda: len(others) >= done, what=f"entry {done}")  # noqa: B023  # awaited here
    board.watch(FIRST, seen.append)
    await until(lambda: seen, what="the entry that was there before")


async def test_forget_removes_the_entry_of_a_killed_attempt(board: Board) -> None:
    seen: list[Entry] = []
    board.watch(FIRST, seen.append)
    await write(board, FIRST, 3)
    await until(lambda: seen)
    board.forget(FIRST)

    async def gone() -> bool:
        return not await read(board)

    await until(gone, what="an empty board")


async def test_nothing_is_notified_after_forget(board: Board) -> None:
    seen: list[Entry] = []
    others: list[Entry] = []
    board.watch(FIRST, seen.append)
    board.watch(SECOND, others.append)
    board.forget(FIRST)
    await write(board, FIRST, 3)
    await write(board, SECOND, 3)
    await until(lambda: others)
    assert seen == []


async def test_a_callback_that_raises_does_not_end_the_mirror(board: Board) -> None:
    faults: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: faults.append(context["exception"]))

    def broken(_: Entry) -> None:
        raise ValueError("broken on purpose")

    seen: list[Entry] = []
    board.watch(FIRST, broken)
    board.watch(SECOND, seen.append)
    await write(board, FIRST, 1)
    await until(lambda: faults, what="the fault told to the loop")
    await write(board, SECOND, 1)
    await until(lambda: seen, what="the other's entry")


async def test_the_manager_is_not_read_while_nothing_is_watched(board: Board, monkeypatch: pytest.MonkeyPatch) -> None:
    rounds: list[object] = []
    read_once = board._read
    monkeypatch.setattr(board, "_read", lambda strays: rounds.append(1) or read_once(strays))  # type: ignore[func-returns-value]  # meant
    seen: list[Entry] = []
    board.watch(FIRST, seen.append)
    await write(board, FIRST, 1)
    await until(lambda: seen)
    board.forget(FIRST)
    await until(lambda: not board._strays and not board._work_arrived.is_set(), what="asleep")
    asleep_at = len(rounds)
    for _ in range(20):  # twenty round trips of the Manager take longer than a round or two would
        assert await board.check() is None
    assert len(rounds) == asleep_at


@pytest.mark.parametrize("watching", [True, False])
async def test_a_killed_manager_is_replaced_at_the_same_address(board: Board, watching: bool) -> None:
    seen: list[Entry] = []
    if watching:
        board.watch(FIRST, seen.append)
    address, old = board.address, pid(board)
    os.kill(old, signal.SIGKILL)
    await rebuilt(board, old)
    assert board.address == address
    board.watch(FIRST, seen.append)
    await write(board, FIRST, 3)
    await until(lambda: seen, what="an entry through the new Manager")


async def test_ten_kills_leave_one_manager_and_no_file_descriptor(board: Board) -> None:
    os.kill(pid(board), signal.SIGKILL)
    await rebuilt(board, pid(board))
    before = len(files_in(Path("/proc/self/fd")))
    killed = []
    for _ in range(10):
        killed.append(pid(board))
        os.kill(killed[-1], signal.SIGKILL)
        await rebuilt(board, killed[-1])
    assert not [old for old in killed if alive(old)]
    assert len(files_in(Path("/proc/self/fd"))) <= before


@pytest.mark.parametrize("watching", [True, False])
async def test_a_suspended_manager_is_detected_and_replaced(board: Board, watching: bool) -> None:
    if watching:
        board.watch(FIRST, lambda _: None)
    old = pid(board)
    os.kill(old, signal.SIGSTOP)
    said = await board.check()
    assert said is not None
    assert "did not respond" in said
    await rebuilt(board, old)
    assert not alive(old)


async def test_the_event_loop_does_not_wait_for_a_suspended_manager(board: Board) -> None:
    board.watch(FIRST, lambda _: None)
    loop, old = asyncio.get_running_loop(), pid(board)
    os.kill(old, signal.SIGSTOP)
    longest, last = 0.0, loop.time()
    async with asyncio.timeout(10):
        while board.pid == old:
            await asyncio.sleep(0.01)  # turns of the loop to be measured
            longest, last = max(longest, loop.time() - last), loop.time()
    assert longest < 1.0


async def test_a_closed_board_leaves_no_process_thread_or_socket(tmp_path: Path) -> None:
    async with opened(tmp_path / "run") as board:
        board.watch(FIRST, lambda _: None)
        manager = pid(board)
    assert not alive(manager)
    assert not [thread.name for thread in threading.enumerate() if thread.name.startswith("board")]
    assert files_in(tmp_path / "run") == []
    assert await board.check() is not None


async def test_a_manager_that_does_not_start_is_a_boot_error(tmp_path: Path) -> None:
    class NoProcess(ForkServerContext):
        def Process(self, *_: object, **__: object) -> NoReturn:  # type: ignore[override]  # noqa: N802  # as there
            raise ChildProcessError("no process today")

    board = Board(tmp_path / "run", NoProcess())
    with pytest.raises(BootError, match="did not start"):
        await board.open()
    for _ in range(2):
        await board.close()
    assert not [thread.name for thread in threading.enumerate() if thread.name.startswith("board")]


async def test_closing_does_not_wait_for_a_suspended_manager(tmp_path: Path) -> None:
    board = Board(tmp_path / "run")
    await board.open()
    board.watch(FIRST, lambda _: None)
    manager = pid(board)
    os.kill(manager, signal.SIGSTOP)
    await asyncio.wait_for(board.close(), 1.5)
    assert not alive(manager)


async def test_closing_while_it_is_being_rebuilt_leaves_no_manager(tmp_path: Path) -> None:
    others = set(served())
    board = Board(tmp_path / "run")
    await board.open()
    old = pid(board)
    os.kill(old, signal.SIGKILL)
    await until(lambda: board.pid != old, what="the rebuilding begun")
    await board.close()
    await until(lambda: not set(served()) - others, what="no Manager")


async def test_a_manager_outlives_its_connections(board: Board) -> None:
    first = pid(board)
    for _ in range(20):
        await asyncio.to_thread(lambda: connect(board.address, board.authkey).hang_up())
        await write(board, FIRST, 1)
    assert await board.check() is None
    assert pid(board) == first


OWNER = """
import asyncio, sys
from pathlib import Path
from typing import NoReturn
from offload.stores.board import Board

async def main() -> None:
    board = Board(Path(sys.argv[1]))
    await board.open()
    print(board.pid, flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


async def test_the_manager_dies_with_a_server_that_is_killed(tmp_path: Path) -> None:
    owner = await asyncio.create_subprocess_exec(
        sys.executable, "-c", OWNER, tmp_path / "run", stdout=asyncio.subprocess.PIPE
    )
    assert owner.stdout is not None
    manager = int(await asyncio.wait_for(owner.stdout.readline(), 20))
    assert alive(manager)
    owner.kill()
    await owner.wait()
    await until(lambda: not alive(manager), within=1.0, what="the Manager gone")


async def test_ctrl_c_does_not_reach_the_manager(board: Board) -> None:
    assert os.getsid(pid(board)) == pid(board), "a signal to the service's group does not reach it"
    os.kill(pid(board), signal.SIGINT)
    assert await board.check() is None
    assert os.getpriority(os.PRIO_PROCESS, pid(board)) == os.getpriority(os.PRIO_PROCESS, 0)


async def test_only_its_user_can_reach_the_socket(board: Board) -> None:
    directory = Path(board.address).parent
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700


async def test_a_world_readable_run_directory_becomes_private(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir(mode=0o777)
    (tmp_path / "run").chmod(0o777)
    socket_directory(tmp_path / "run")
    assert stat.S_IMODE((tmp_path / "run").stat().st_mode) == 0o700


async def test_a_deep_data_directory_gets_a_short_socket_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with tempfile.TemporaryDirectory(dir="/tmp") as temporary:
        monkeypatch.setattr(tempfile, "tempdir", temporary)
        deep = tmp_path / ("d" * LONGEST_SOCKET_DIRECTORY) / "run"
        async with opened(deep) as board:
            directory = Path(board.address).parent
            assert directory.parent == Path(temporary)
            assert stat.S_IMODE(directory.stat().st_mode) == 0o700
            assert await board.check() is None
        assert not (directory / "board.sock").exists()
        assert socket_directory(deep) == directory, "the next start finds what this one might have left"
        remove_socket_directory(deep)
        assert not directory.exists()


async def test_a_symlink_in_place_of_the_short_directory_is_rejected(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with tempfile.TemporaryDirectory(dir="/tmp") as temporary:
        monkeypatch.setattr(tempfile, "tempdir", temporary)
        deep = tmp_path / ("d" * LONGEST_SOCKET_DIRECTORY) / "run"
        directory = socket_directory(deep)
        remove_socket_directory(deep)
        directory.symlink_to(tmp_path)
        with pytest.raises(BootError, match="another user"):
            socket_directory(deep)


async def test_the_socket_of_a_killed_service_does_not_prevent_a_start(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "board.sock").touch()
    async with opened(tmp_path / "run") as board:
        assert await board.check() is None
