"""Group commit: what waits together is committed together, and retention stands in nobody's way."""

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from offload.errors import StorageFailedError
from offload.stores.journal import SqliteJournal, connection_thread
from offload.stores.journal.connection_thread import ConnectionThread, Work
from tests.support.journals import a_job, ended, ids, opened

pytestmark = pytest.mark.anyio


@pytest.fixture
async def journal(tmp_path: Path) -> AsyncIterator[SqliteJournal]:
    async with opened(tmp_path / "journal.db") as journal:
        yield journal


def commits_of(journal: SqliteJournal) -> list[str]:
    """Fills with the transactions that the journal commits from now on."""
    seen: list[str] = []
    journal._writer._connection.set_trace_callback(lambda sql: seen.append(sql) if sql == "COMMIT" else None)
    return seen


def hold(journal: SqliteJournal) -> threading.Event:
    """Keeps the writer busy until the event is set."""
    go = threading.Event()
    journal._writer.submit(lambda _: go.wait(10))
    return go


async def test_waiting_writes_are_one_transaction(journal: SqliteJournal) -> None:
    go = hold(journal)
    commits = commits_of(journal)
    waiters = [journal.add([a_job(f"{number}")]) for number in range(500)]
    go.set()
    await asyncio.gather(*waiters)
    assert len(commits) <= 2, "one for the held piece, one for the rest"
    assert len(await ids(journal)) == 500


async def test_the_size_of_a_group_is_limited(journal: SqliteJournal) -> None:
    go = hold(journal)
    commits = commits_of(journal)
    waiters = [journal.add([a_job(f"{number}")]) for number in range(3 * connection_thread.GROUP_ROWS)]
    go.set()
    await asyncio.gather(*waiters)
    assert 3 <= len(commits) <= 5


async def test_reads_go_on_while_a_write_is_under_way(journal: SqliteJournal) -> None:
    await journal.add([a_job("a")])
    go = hold(journal)
    late = asyncio.ensure_future(journal.add([a_job("b")]))
    assert await journal.get("a") == a_job("a")
    assert await journal.get("b") is None
    assert not late.done()
    go.set()
    await late
    assert await journal.get("b") == a_job("b")


async def test_an_unstorable_job_fails_alone(journal: SqliteJournal) -> None:
    answers = await asyncio.gather(
        journal.add([a_job("a")]),
        journal.add([replace(a_job("b"), priority=2**63)]),
        journal.add([replace(a_job("c"), task="\ud800")]),
        journal.add([replace(a_job("unbindable"), priority=object())]),  # type: ignore[arg-type]  # what the test is about
        journal.add([a_job("d"), replace(a_job("e"), timeout_s=float("nan"))]),
        journal.add([a_job("f")]),
        return_exceptions=True,
    )
    assert [type(answer).__name__ for answer in answers] == ["NoneType", *["StorageFailedError"] * 4, "NoneType"]
    assert await ids(journal) == ["f", "a"]


async def test_closing_finishes_submitted_work_and_rejects_the_rest(tmp_path: Path) -> None:
    journal = SqliteJournal(tmp_path / "journal.db")
    await journal.open()
    waiters = [asyncio.ensure_future(journal.add([a_job(f"{number}")])) for number in range(50)]
    await journal.close()
    assert all(waiter.done() for waiter in waiters)
    with pytest.raises(StorageFailedError, match="closed"):
        await journal.add([a_job("late")])
    await journal.close()
    async with opened(tmp_path / "journal.db") as again:
        assert len(await ids(again)) == 50
    assert not (tmp_path / "journal.db-wal").exists()


async def test_a_connection_thread_survives_errors_of_its_group() -> None:
    calls = 0

    def serve(_: sqlite3.Connection, group: Sequence[Work]) -> Sequence[object]:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise RuntimeError("broken")
        return ["served"] * len(group)

    served = ConnectionThread("test", sqlite3.connect(":memory:", check_same_thread=False), serve)
    with pytest.raises(StorageFailedError, match="broken"):
        await served.submit(lambda _: "never")
    assert await served.submit(lambda _: "never") == "served"
    await served.close()


async def test_retention_lets_other_writes_pass(journal: SqliteJournal) -> None:
    await journal.add([ended(a_job(f"{number}")) for number in range(2_000)])
    expiring = asyncio.ensure_future(journal.expire(100, 100, limit=2_000))
    while await journal.get("0") is not None:
        pass
    await journal.add([a_job("new")])
    assert not expiring.done(), "the new job did not wait for the end of it"
    assert len(await expiring) == 2_000
    assert await ids(journal) == ["new"]


async def test_the_spans_of_deleted_jobs_are_deleted(journal: SqliteJournal) -> None:
    await journal.add([ended(a_job(f"{number}")) for number in range(5_000)])
    await journal.expire(100, 100, limit=4_000)
    left = await journal._list_reader.submit(
        lambda connection: connection.execute("SELECT count(*) FROM spans").fetchone()
    )
    assert left == (2,)
