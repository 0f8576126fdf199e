"""An engine with the tasks of `misbehaving`, in its own directories, and helpers for tests."""

import asyncio
import atexit
import inspect
import itertools
import json
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from offload.engines.local.engine import LocalEngine
from offload.engines.local.forkserver import start_forkserver
from offload.engines.local.watchdog import BoardView
from offload.jobs.interfaces import Engine
from offload.jobs.model import Assignment, AttemptKey, Done, Outcome, Progress
from offload.tasks.context import Places
from offload.tasks.registry import RegistrySpec
from offload.wire.board import Entry
from offload.wire.messages import LaneSetup
from tests.support import misbehaving
from tests.support.waiting import until

ZOO = ", ".join(
    f"{name.replace('_', '-')}=tests.support.misbehaving:{name}"
    for name, function in inspect.getmembers(misbehaving, inspect.isfunction)
    if function.__module__ == misbehaving.__name__
)
RESULT_MAX_BYTES = 200 << 20
SOCKETS = Path(tempfile.mkdtemp(prefix="offload-"))
"""Where the forkserver listens. It serves all rigs of a test run."""
atexit.register(shutil.rmtree, SOCKETS, ignore_errors=True)
numbers = itertools.count(1)


class NoBoard:
    """A board that can't be reached."""

    address = "/nonexistent/board"
    authkey = b"none"
    pid: int | None = None

    def watch(self, key: AttemptKey, changed: Callable[[Entry], None]) -> None: ...

    def forget(self, key: AttemptKey) -> None: ...


@dataclass
class Rig:
    """`outcome_of` runs one task. The other methods are for tests that interfere while it runs."""

    engine: Engine
    home: Path
    changes: list[int] = field(default_factory=list)
    reports: list[Progress] = field(default_factory=list)

    def assign(self, task: str, *, timeout_s: float = 60, memory_mb: int = 256, **params: object) -> Assignment:
        key = AttemptKey(f"00000000-0000-7000-8000-{next(numbers):012}", 1)
        return Assignment(
            key=key, task=task, params=json.dumps(params).encode(), timeout_s=timeout_s, memory_mb=memory_mb
        )

    def begin(self, assignment: Assignment) -> asyncio.Task[Outcome]:
        return asyncio.create_task(self.run(assignment))

    async def run(self, assignment: Assignment, on_progress: Callable[[Progress], None] | None = None) -> Outcome:
        """Runs a single attempt and returns its outcome."""
        outcomes: list[Outcome] = []
        note = on_progress or self.reports.append
        await self.engine.run(
            [assignment], lambda _, progress: note(progress), lambda _, outcome: outcomes.append(outcome)
        )
        assert len(outcomes) == 1, outcomes
        return outcomes[0]

    async def outcome_of(self, task: str, *, timeout_s: float = 60, memory_mb: int = 256, **params: object) -> Outcome:
        assignment = self.assign(task, timeout_s=timeout_s, memory_mb=memory_mb, **params)
        return await self.run(assignment)

    async def running(self, assignment: Assignment) -> int:
        """Waits until the attempt has been running for 20 ms. Returns the lane's pid."""

        def pid() -> int | None:
            mine = [lane for lane in self.engine.lanes() if lane.job == assignment.key.job_id]
            return mine[0].pid if mine and (mine[0].busy_s or 0) > 0.02 else None

        return await until(pid, what=f"{assignment.task} to run") or 0

    async def all_free(self, lanes: int = 2) -> None:
        await until(lambda: self.engine.free_slots == lanes, what=f"{lanes} free lanes, of {self.engine.lanes()}")

    def file(self, assignment: Assignment) -> Path:
        """Returns the path of the attempt's result file."""
        return self.home / "results" / f"{assignment.key.job_id}.{assignment.key.attempt}.json"


def local_setup(home: Path, address: str, authkey: bytes, tasks: str = ZOO) -> LaneSetup:
    for name in ("run", "results", "logs", "files", "uploads"):
        (home / name).mkdir(mode=0o700, exist_ok=True)
    return LaneSetup(
        registry=RegistrySpec(tasks=tasks),
        places=Places(home / "files", home / "uploads"),
        results_dir=home / "results",
        logs_dir=home / "logs",
        run_dir=home / "run",
        board_address=address,
        board_authkey=authkey,
        result_max_bytes=RESULT_MAX_BYTES,
        nice=10,
    )


@asynccontextmanager
async def local_rig(home: Path, *, lanes: int = 2, board: BoardView | None = None) -> AsyncIterator[Rig]:
    """Opens local lanes. At the end, asserts that none of their processes is left."""
    setup = local_setup(home, getattr(board, "address", NoBoard.address), getattr(board, "authkey", NoBoard.authkey))
    start_forkserver([], setup.registry, SOCKETS)
    before = descendants()  # this process adopts orphans: those of earlier tests may not be reaped yet
    rig = Rig(LocalEngine(setup, lanes=lanes, board=board or NoBoard()), home)
    await rig.engine.open(lambda: rig.changes.append(rig.engine.free_slots))
    try:
        await rig.all_free(lanes)
        yield rig
    finally:
        await rig.engine.close()
    manager = board.pid if board is not None else None
    left = [process for process in descendants() if process.pid != manager and process not in before]
    assert left == [], left
    assert list((home / "run").glob("*.params")) == []


def forkserver() -> psutil.Process:
    """Returns multiprocessing's forkserver, from which every lane is forked."""
    return next(one for one in psutil.Process().children() if _is(one, "multiprocessing.forkserver"))


def descendants() -> list[psutil.Process]:
    """Returns every descendant of this process, with zombies, except for multiprocessing's own two processes."""
    return [
        one
        for one in psutil.Process().children(recursive=True)
        if not (_is(one, "multiprocessing.resource_tracker") or _own(one))
    ]


def _own(process: psutil.Process) -> bool:
    try:
        child = process.ppid() == psutil.Process().pid
        return child and _is(process, "multiprocessing.forkserver") and os.getsid(process.pid) == os.getsid(0)
    except (psutil.NoSuchProcess, ProcessLookupError):  # it has ended since it was found
        return False


def _is(process: psutil.Process, what: str) -> bool:
    try:
        return any(what in part for part in process.cmdline())
    except (psutil.NoSuchProcess, psutil.ZombieProcess):
        return False


def done(outcome: Outcome) -> object:
    """Returns the inline result of an attempt that must have succeeded."""
    assert isinstance(outcome, Done), outcome
    assert outcome.result is not None
    return json.loads(outcome.result)
