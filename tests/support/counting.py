"""Counts of what work costs, whatever the machine: statements, syncs, calls, callbacks. And what drives it evenly."""

import asyncio
import sqlite3
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

import offload
from offload.jobs.model import Assignment, AttemptKey, Done, Outcome, Progress, Usage
from tests.support.faulty_disk import Fault, FaultyDisk
from tests.support.scripted_engine import ScriptedEngine

OURS = str(Path(offload.__file__).parent)


class PromptEngine(ScriptedEngine):
    """Two slots, in which each attempt has ended as soon as it is handed over. Only `shut` keeps jobs waiting."""

    def __init__(self) -> None:
        super().__init__(slots=2)
        self.ended = 0

    def shut(self) -> None:
        """Takes nothing until `offer`."""
        self._slots = 0

    def offer(self) -> None:
        """Takes whatever there is."""
        self._slots = 2
        self._changed()

    async def run(
        self,
        assignments: Sequence[Assignment],
        on_progress: Callable[[AttemptKey, Progress], None],  # noqa: ARG002  # nothing lasts long enough
        on_outcome: Callable[[AttemptKey, Outcome], None],
    ) -> None:
        for assignment in assignments:
            self.ended += 1
            on_outcome(assignment.key, Done(result=b"null", result_bytes=4, usage=Usage(wall_s=0.0001)))


class Written:
    """What the databases that this process opens from now on are asked for, since the last `begin`."""

    def __init__(self, disk: FaultyDisk, monkeypatch: pytest.MonkeyPatch) -> None:
        self._disk = disk
        self._connect: Callable[..., sqlite3.Connection] = sqlite3.connect
        self.texts: list[str] = []
        """One for many rows is one; what a trigger does is one for each row."""
        monkeypatch.setattr(sqlite3, "connect", self._traced)

    def _traced(self, *args: Any, **kwargs: Any) -> sqlite3.Connection:
        connection = self._connect(*args, **kwargs)
        connection.set_trace_callback(self.texts.append)
        return connection

    def begin(self) -> None:
        self.texts.clear()
        self._disk.fail(Fault.SYNC, 0, for_good=False)  # counts, and lets none fail

    @property
    def statements(self) -> int:
        return len(self.texts)

    @property
    def syncs(self) -> int:
        return self._disk.operations

    @contextmanager
    def held(self, journal: Path) -> Iterator[None]:
        """Nothing is committed meanwhile, as while a backup has the file's lock: what is handed in waits together."""
        with closing(self._connect(journal, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            yield
            other.execute("ROLLBACK")


@dataclass
class Effort:
    """What this thread did."""

    calls: int = 0
    """Of functions of the service's own."""
    callbacks: int = 0
    """That were put on the event loop."""
    tasks: int = 0
    """Of the event loop."""


@contextmanager
def effort(monkeypatch: pytest.MonkeyPatch) -> Iterator[Effort]:
    """Counts what this thread does meanwhile on the running loop, coroutines that go on included."""
    loop, counted, mine = asyncio.get_running_loop(), Effort(), threading.get_ident()
    call_soon, threadsafe = loop.call_soon, loop.call_soon_threadsafe

    def profile(frame: FrameType, event: str, _: object) -> None:
        if event == "call" and frame.f_code.co_filename.startswith(OURS) and threading.get_ident() == mine:
            counted.calls += 1

    def soon(*args: Any, **kwargs: Any) -> asyncio.Handle:
        counted.callbacks += 1
        return call_soon(*args, **kwargs)

    def soon_threadsafe(*args: Any, **kwargs: Any) -> asyncio.Handle:
        counted.callbacks += 1
        return threadsafe(*args, **kwargs)

    def make_task(of_loop: asyncio.AbstractEventLoop, work: Any, **kwargs: Any) -> asyncio.Task[Any]:
        counted.tasks += 1
        return asyncio.Task(work, loop=of_loop, **kwargs)

    with monkeypatch.context() as patched:
        patched.setattr(loop, "call_soon", soon)
        patched.setattr(loop, "call_soon_threadsafe", soon_threadsafe)
        loop.set_task_factory(make_task)
        sys.setprofile(profile)
        try:
            yield counted
        finally:
            sys.setprofile(None)
            loop.set_task_factory(None)
