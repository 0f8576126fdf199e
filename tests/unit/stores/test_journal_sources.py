"""The source of a batch can be megabytes. It is read and written only where it is needed."""

import contextlib
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from offload.jobs.model import Batch, State
from tests.support.journals import a_job, ended, opened

pytestmark = pytest.mark.anyio

SIZE = 16 << 20
"""More than SQLite keeps in its cache."""

MEMBERS = 20


def moved() -> int:
    """Bytes that this process has read and written."""
    facts = dict(line.split(": ") for line in Path("/proc/self/io").read_text().splitlines())
    return int(facts["rchar"]) + int(facts["wchar"])


async def test_a_member_is_counted_without_the_source(tmp_path: Path) -> None:
    """SQLite goes through a whole row to change it: with ten thousand members every other write waited for minutes."""
    counts = {**dict.fromkeys(State, 0), State.QUEUED: MEMBERS}
    batch = Batch(id="b", kind="verify", size=MEMBERS, created_at=0, counts=counts, source=bytes(SIZE))
    jobs = [replace(a_job(f"{number}"), batch_id="b") for number in range(MEMBERS)]
    path = tmp_path / "journal.db"
    async with opened(path) as journal:
        await journal.add(jobs, batch=batch)
        before = moved()
        for job in jobs:
            assert await journal.replace(ended(job, 1), job.key, job.state)
        assert moved() - before < SIZE
        assert [one.source for one in (await journal.list_batches(None, 10)).batches] == [None]
        assert (found := await journal.get_batch("b")) is not None
        assert (found.source, found.done) == (bytes(SIZE), True)
        while await journal.remove_batch("b", MEMBERS):
            pass
    with contextlib.closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT count(*) FROM batch_sources").fetchone() == (0,)
