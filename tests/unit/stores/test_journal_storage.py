"""Disks that are full, limited, locked or missing: which errors are reported, which data is kept, and recovery."""

import asyncio
import contextlib
import os
import resource
import shutil
import signal
import sqlite3
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from offload.errors import ProblemError, StorageFailedError, StorageFullError
from offload.stores.journal import SqliteJournal, connection_thread
from offload.stores.journal import journal as journal_module
from offload.stores.journal.errors import storage_error
from tests.support.journals import a_job, ended, ids, opened

pytestmark = pytest.mark.anyio


@pytest.fixture
async def journal(tmp_path: Path) -> AsyncIterator[SqliteJournal]:
    async with opened(tmp_path / "journal.db") as journal:
        yield journal


async def pages_at_most(journal: SqliteJournal, more: int | None) -> None:
    """Lets the database grow by that many pages only; None lifts the limit."""

    def limit(connection: sqlite3.Connection) -> None:
        used = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count = {2**30 if more is None else used + more}")

    await journal._writer.submit(limit)


@contextlib.contextmanager
def files_at_most(size: int) -> Iterator[None]:
    """No file of this process may grow beyond `size` bytes: a write beyond fails, like one on a broken disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


@pytest.mark.parametrize("pages", range(8))
async def test_a_full_disk_is_reported_to_all_and_later_writes_succeed(journal: SqliteJournal, pages: int) -> None:
    await journal.add([a_job("before")])
    await pages_at_most(journal, pages)
    answers = await asyncio.gather(
        *(journal.add([a_job(f"{number}", size=5_000)]) for number in range(10)), return_exceptions=True
    )
    kept = [f"{number}" for number, answer in enumerate(answers) if answer is None]
    assert all(answer is None or isinstance(answer, StorageFullError) for answer in answers)
    assert len(kept) < 10, "the disk was to be full"
    assert set(await ids(journal)) == {"before", *kept}
    assert await journal.get("before") == a_job("before")
    await pages_at_most(journal, None)
    await journal.add([a_job("after")])
    assert set(await ids(journal)) == {"before", *kept, "after"}


async def test_a_full_disk_allows_small_changes_and_reads(journal: SqliteJournal) -> None:
    await journal.add([ended(a_job("a", size=20_000))])
    await pages_at_most(journal, 0)
    with pytest.raises(StorageFullError):
        await journal.add([a_job("b", size=100_000)])
    assert await journal.remove("a")
    await journal.add([a_job("c", size=10_000)])
    assert await ids(journal) == ["c"]


@pytest.mark.parametrize("step", range(12))
async def test_a_write_that_fails_anywhere_changes_nothing(tmp_path: Path, step: int) -> None:
    path = tmp_path / "journal.db"
    async with opened(path) as journal:
        await journal.add([a_job("before")])
        log = path.with_name("journal.db-wal").stat().st_size
        with files_at_most(log + step * 2_060):  # half a frame
            answers = await asyncio.gather(
                *(journal.add([a_job(f"{number}", size=6_000)]) for number in range(6)), return_exceptions=True
            )
        kept = {f"{number}" for number, answer in enumerate(answers) if answer is None}
        assert all(answer is None or isinstance(answer, ProblemError) for answer in answers)
        assert len(kept) < 6, "a write was to fail"
        assert set(await ids(journal)) == {"before", *kept}
        await journal.add([a_job("after")])
    async with opened(path) as again:
        assert set(await ids(again)) == {"before", *kept, "after"}


async def test_an_io_error_without_free_space_is_a_full_disk(
    journal: SqliteJournal, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("offload.stores.journal.errors._NOT_ENOUGH_BYTES", 2**63)
    with files_at_most((tmp_path / "journal.db-wal").stat().st_size), pytest.raises(StorageFullError):
        await journal.add([a_job("a")])


async def test_a_write_waits_for_the_lock_of_another_process(journal: SqliteJournal, tmp_path: Path) -> None:
    with contextlib.closing(sqlite3.connect(tmp_path / "journal.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        waiter = asyncio.ensure_future(journal.add([a_job("a")]))
        assert await journal.get("a") is None, "reads go on"
        assert not waiter.done()
        other.execute("ROLLBACK")
        await waiter


async def test_a_permanent_lock_fails_only_that_write(journal: SqliteJournal, tmp_path: Path) -> None:
    await journal._writer.submit(lambda connection: connection.execute("PRAGMA busy_timeout = 50") and None)
    with contextlib.closing(sqlite3.connect(tmp_path / "journal.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StorageFailedError, match="lock"):
            await journal.add([a_job("a")])
        problem = await journal.check()
        assert problem is not None
        assert "lock" in problem
        other.execute("ROLLBACK")
    await journal.add([a_job("b")])
    assert await ids(journal) == ["b"]
    assert await journal.check() is None


async def test_check_does_not_wait_for_a_disk_that_hangs(
    journal: SqliteJournal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal_module, "CHECK_S", 0.05)
    with contextlib.closing(sqlite3.connect(tmp_path / "journal.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert await journal.check() == "The journal did not write and read within 0.05 s."
        other.execute("ROLLBACK")


@pytest.mark.parametrize("name", ["journal.db", "journal.db-wal"])
@pytest.mark.parametrize("replaced", [False, True])
async def test_nothing_is_acknowledged_after_a_file_was_removed(tmp_path: Path, name: str, replaced: bool) -> None:
    """SQLite itself goes on, in files that no start will ever find."""
    async with opened(tmp_path / "journal.db") as journal:
        await journal.add([a_job("before")])
        (tmp_path / name).rename(tmp_path / "elsewhere")
        if replaced:
            shutil.copy(tmp_path / "elsewhere", tmp_path / name)
        with pytest.raises(StorageFailedError, match="removed or replaced while in use: restart the service"):
            await journal.add([a_job("lost")])
        assert "removed or replaced" in str(await journal.check())
        assert await journal.get("before"), "reads go on"


@pytest.mark.parametrize(
    ("name", "left", "checkpointed"),
    [
        ("journal.db", 0, False),
        ("journal.db", 0, True),
        ("journal.db", 4096, False),
        ("journal.db", 4096, True),
        ("journal.db-wal", 0, False),
        ("journal.db-wal", 5000, False),
    ],
)
async def test_nothing_is_acknowledged_after_a_file_was_truncated(
    tmp_path: Path, name: str, left: int, checkpointed: bool
) -> None:
    """SQLite itself goes on, behind a gap, and the next start finds nothing or damage."""
    async with opened(tmp_path / "journal.db") as journal:
        await journal.add([a_job(f"{number}", size=5000) for number in range(20)])
        if checkpointed:
            with contextlib.closing(sqlite3.connect(tmp_path / "journal.db")) as other:
                other.execute("PRAGMA wal_checkpoint(PASSIVE)")
        os.truncate(tmp_path / name, left)
        for attempt in ("first", "second"):
            with pytest.raises(StorageFailedError):
                await journal.add([a_job(attempt)])
        assert await journal.check() is not None


async def test_what_others_do_to_the_files_in_order_is_no_loss(journal: SqliteJournal, tmp_path: Path) -> None:
    """Other programs check, back up, checkpoint, shrink and write; the WAL begins anew many times."""
    path = tmp_path / "journal.db"
    for number in range(60):
        await journal.add([a_job(f"{number}-{each}", size=50_000) for each in range(10)])
        if number % 10 == 5:
            await journal.expire(100, 100, limit=1000)
            with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
                other.execute(f"VACUUM INTO '{tmp_path / str(number)}'")
                other.execute("PRAGMA wal_checkpoint(TRUNCATE)" if number % 20 == 5 else "VACUUM")
                other.execute("UPDATE pulse SET beats = beats + 1" if number == 5 else "PRAGMA quick_check")
        assert await journal.check() is None


async def test_retention_returns_what_it_deleted_before_the_disk_failed(
    journal: SqliteJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    await journal.add([ended(a_job(f"{number:03}")) for number in range(200)])
    submit, calls = journal._writer.submit, iter(range(100))

    def second_fails(work: connection_thread.Work, rows: int = 1) -> asyncio.Future[object]:
        if next(calls) == 1:
            raise StorageFullError("The disk is full.")
        return submit(work, rows)

    monkeypatch.setattr(journal._writer, "submit", second_fails)
    forgotten = await journal.expire(100, 100, limit=200)
    assert sorted([*(job.id for job in forgotten), *await ids(journal)]) == [f"{number:03}" for number in range(200)]
    assert 0 < len(forgotten) < 200


def test_the_error_for_damage_found_at_run_time_says_what_to_do(tmp_path: Path) -> None:
    told = storage_error(_corrupt(), tmp_path)
    assert isinstance(told, StorageFailedError)
    assert "Stop the service and restore a backup" in told.detail


def _corrupt() -> sqlite3.Error:
    """SQLite's own error over a page of nonsense."""
    with contextlib.closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("CREATE TABLE t (x)")
        pages = bytearray(connection.serialize())
        pages[4096:] = b"\xa5" * len(pages[4096:])
        connection.deserialize(pages)
        with pytest.raises(sqlite3.DatabaseError) as met:
            connection.execute("SELECT * FROM t").fetchall()
    return met.value
