"""A lane that can't be opened leaves nothing behind, however far it came, and is opened as soon as it can be."""

import concurrent.futures.process
import errno
import gc
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from itertools import repeat
from multiprocessing import forkserver as forkservers
from pathlib import Path
from typing import NoReturn

import pytest

from offload.engines.local import lane, spawn, worker_process
from tests.support.engine_rig import descendants, done, forkserver, local_rig
from tests.support.waiting import NotInTimeError, until

pytestmark = pytest.mark.anyio

OPENINGS = 30

Fault = Callable[[], AbstractContextManager[None]]


def no_process(*_: object) -> NoReturn:
    raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))


def no_thread(*_: object) -> NoReturn:
    raise RuntimeError("can't start new thread")


def no_descriptor(*_: object) -> NoReturn:
    raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))


@contextmanager
def patched(target: object, name: str, replacement: object) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(target, name, replacement)
        yield


@contextmanager
def suspended_forkserver() -> Iterator[None]:
    """Every process comes after its opening was given up."""
    stopped = forkserver()
    with patched(worker_process, "START_S", 0.02):
        stopped.suspend()
        try:
            yield
        finally:
            stopped.resume()


FAULTS: dict[str, Fault] = {
    "the forkserver is suspended": suspended_forkserver,
    "no process can be forked": lambda: patched(forkservers, "connect_to_new_process", no_process),
    "no thread can be started": lambda: patched(threading.Thread, "start", no_thread),
    "the executor can't start its thread": lambda: patched(
        concurrent.futures.process._ExecutorManagerThread,  # what a full machine does to it
        "start",
        no_thread,
    ),
    "too many files are open": lambda: patched(spawn, "ProcessHandle", no_descriptor),
    "something else fails while it opens": lambda: patched(worker_process, "START_CHECK_S", "no number"),
}


def held(others: set[int]) -> dict[str, int]:
    """What this process has open. Cycles of objects are collected first, as they are in a server from time to time.

    `others` are processes that tests before this one have left, some of which end meanwhile.
    """
    gc.collect()
    return {
        "descriptors": len(os.listdir("/proc/self/fd")),  # noqa: PTH208  # its own is among them, each time
        "threads": threading.active_count(),
        "processes": len({process.pid for process in descendants()} - others),
    }


@pytest.mark.parametrize("fault", FAULTS)
async def test_failed_openings_leave_nothing_behind(
    tmp_path: Path, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lane, "pauses", lambda _: repeat(0.001))
    others = {process.pid for process in descendants()}
    async with local_rig(tmp_path, lanes=1) as rig:
        assert done(await rig.outcome_of("echo", text="before")) == "before"
        before = held(others)
        pid = rig.engine.lanes()[0].pid
        assert pid is not None
        with FAULTS[fault]():
            os.kill(pid, signal.SIGKILL)
            await until(lambda: rig.engine.replaced().get("not-opened", 0) >= OPENINGS, what="failed openings")
            assert rig.engine.lanes()[0].problem
            problem = await rig.engine.check()
            assert problem is not None
            assert problem.startswith("No lane is open: ")
        await rig.all_free(1)
        assert rig.engine.lanes()[0].problem is None
        assert done(await rig.outcome_of("echo", text="after")) == "after"
        with suppress(NotInTimeError):
            await until(lambda: held(others) == before)
        assert held(others) == before
