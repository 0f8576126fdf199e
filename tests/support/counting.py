"""Counts what work costs, independent of the machine's speed: SQL statements and syncs."""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from offload.jobs.model import Assignment, AttemptKey, Done, Outcome, Progress, Usage
from tests.support.faulty_disk import Fault, FaultyDisk
from tests.support.scripted_engine import ScriptedEngine


class PromptEngine(ScriptedEngine):
    """Two slots in which each attempt ends as soon as it is dispatched. Only `shut` keeps jobs in the queue."""

    def __init__(self) -> None:
        super().__init__(slots=2)
        self.ended = 0

    def shut(self) -> None:
        """Have no free slot until `offer`."""
        self._slots = 0

    def offer(self) -> None:
        """Have free slots again."""
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
    """The statements and syncs of the databases that this process opens from now on, since the last `begin`."""

    def __init__(self, disk: FaultyDisk, monkeypatch: pytest.MonkeyPatch) -> None:
        self._disk = disk
        self._connect: Callable[..., sqlite3.Connection] = sqlite3.connect
        self.texts: list[str] = []
        """The text of each statement. An `executemany` counts once; a trigger's statement counts once for each row."""
        monkeypatch.setattr(sqlite3, "connect", self._traced)

    def _traced(self, *args: Any, **kwargs: Any) -> sqlite3.Connection:
        connection = self._connect(*args, **kwargs)
        connection.set_trace_callback(self.texts.append)
        return connection

    def begin(self) -> None:
        """Count from zero."""
        self.texts.clear()
        self._disk.fail(Fault.SYNC, 0, permanently=False)  # counts syncs; none fails

    @property
    def statements(self) -> int:
        return len(self.texts)

    @property
    def syncs(self) -> int:
        return self._disk.operations

    @contextmanager
    def held(self, journal: Path) -> Iterator[None]:
        """Hold the file's write lock, as a backup does: writes wait and are committed together afterwards."""
        with closing(self._connect(journal, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            yield
            other.execute("ROLLBACK")
