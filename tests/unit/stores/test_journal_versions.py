"""Journals of earlier versions of Offload: each schema version is opened with all its data."""

import contextlib
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from offload.jobs import lifecycle
from offload.jobs.interfaces import JobFilter
from offload.jobs.model import Batch, Job, State
from offload.stores.journal import schema
from tests.support.journals import opened

pytestmark = pytest.mark.anyio

FIRST = """
    INSERT INTO jobs (id, task, state, attempt, max_attempts, priority, timeout_s, memory_mb, created_at, started_at,
        finished_at, owner, upload, labels, idempotency_key, fingerprint, usage, result_bytes, params, result)
    VALUES
        ('done', 't', 'succeeded', 1, 2, 5, 300, 64, 7, 8, 9, 'alice', 'u', '["l"]', 'k', x'66', '{"wall_s": 0.5}', 1,
            x'7b7d', x'31'),
        ('waits', 't', 'queued', 0, 2, 0, 300, 64, 10, NULL, NULL, NULL, NULL, '[]', NULL, NULL, NULL, NULL,
            x'7b7d', NULL);
    INSERT INTO labels SELECT 'l', state, seq FROM jobs WHERE id = 'done';
"""
"""What version 1 had of two jobs."""


@pytest.fixture
def first(tmp_path: Path) -> Path:
    """A journal of schema version 1."""
    path = tmp_path / "journal.db"
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA application_id = {schema.APPLICATION_ID}")
        connection.executescript(
            f"{schema.MIGRATIONS[0]}; {FIRST}; PRAGMA user_version = 1; PRAGMA journal_mode = WAL;"
        )
    return path


async def test_all_jobs_of_version_1_exist(first: Path) -> None:
    async with opened(first) as journal:
        found = (await journal.list(JobFilter(), 10)).jobs
        assert [job.id for job in found] == ["waits", "done"]
        done = found[1]
        assert (done.state, done.result, done.priority, done.upload, done.owner) == (
            State.SUCCEEDED,
            b"1",
            5,
            "u",
            "alice",
        )
        assert (done.cost, done.batch_id) == (0.0, None)
        assert [job.id for job in (await journal.list(JobFilter(label="l"), 10)).jobs] == ["done"]
        known = await journal.find_key("alice", "k")
        assert known is not None
        assert known.job_id == "done"


async def test_a_journal_of_version_1_takes_batches(first: Path) -> None:
    async with opened(first) as journal:
        member = Job(
            id="m", task="t", params=b"{}", created_at=11, timeout_s=1, memory_mb=1, max_attempts=1, batch_id="b"
        )
        counts = {**dict.fromkeys(State, 0), State.QUEUED: 1}
        await journal.add([member], batch=Batch(id="b", kind="jobs", size=1, created_at=11, counts=counts))
        assert await journal.replace(lifecycle.cancel(member, None, 12), member.key, member.state)
        batch = await journal.get_batch("b")
        assert batch is not None
        assert (batch.counts[State.CANCELLED], batch.finished_at) == (1, 12)


async def test_all_jobs_of_version_2_exist_and_new_ones_store_their_trace(first: Path) -> None:
    with contextlib.closing(sqlite3.connect(first)) as connection:
        connection.executescript(f"{schema.MIGRATIONS[1]}; PRAGMA user_version = 2;")
        connection.execute("UPDATE jobs SET price = 2.5")
        connection.commit()
    async with opened(first) as journal:
        found = (await journal.list(JobFilter(), 10)).jobs
        assert [(job.id, job.cost, job.trace, job.attempt) for job in found] == [
            ("waits", 2.5, None, 0),
            ("done", 2.5, None, 1),
        ]
        assert [job.id for job in await journal.live()] == ["waits"]
        traced = replace(found[0], id="traced", trace="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
        await journal.add([traced])
        assert await journal.replace(lifecycle.start(traced, 20), traced.key, State.QUEUED)
        again = await journal.get("traced")
        assert again is not None
        assert again.trace == traced.trace
