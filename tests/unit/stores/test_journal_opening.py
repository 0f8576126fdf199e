"""Which files a journal opens, which it migrates, and which it rejects with advice."""

import asyncio
import contextlib
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from offload.errors import BootError, StorageFailedError
from offload.stores.journal import schema
from tests.support.journals import a_job, ended, ids, opened


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A journal of 200 jobs that has been closed."""

    async def fill() -> None:
        async with opened(tmp_path / "journal.db") as journal:
            await journal.add([ended(a_job(f"{number}", size=500)) for number in range(200)])

    asyncio.run(fill())
    return tmp_path / "journal.db"


@pytest.fixture
def killed(tmp_path: Path) -> Path:
    """A journal as a killed service leaves it: ten commits are in its log only."""

    async def fill() -> None:
        async with opened(tmp_path / "living" / "journal.db") as journal:
            for number in range(10):
                await journal.add([a_job(f"{number}")])
            await asyncio.to_thread(shutil.copytree, tmp_path / "living", tmp_path / "left")

    asyncio.run(fill())
    return tmp_path / "left" / "journal.db"


def content(path: Path) -> list[str]:
    """The ids in the journal, newest first."""

    async def read() -> list[str]:
        async with opened(path) as journal:
            return await ids(journal)

    return asyncio.run(read())


def refusal(path: Path) -> str:
    """Why the journal is refused; its file must be as it was before."""
    before = path.read_bytes() if path.exists() else None
    with pytest.raises(BootError) as refused:
        content(path)
    assert before == (path.read_bytes() if path.exists() else None)
    return str(refused.value)


def beside(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)


def test_a_backup_by_vacuum_uses_wal_mode_again(path: Path) -> None:
    """SQLite's `VACUUM INTO` leaves the log out of what it copies; without one, readers would hold up the writer."""
    copy = path.with_name("copy.db")
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("VACUUM INTO ?", (str(copy),))

    async def has_log() -> bool:
        async with opened(copy) as journal:
            await journal.add([a_job("new")])
            return beside(copy, "-wal").exists()

    assert asyncio.run(has_log())
    assert content(copy) == ["new", *content(path)]


def test_a_new_journal_is_private_and_leaves_no_draft(tmp_path: Path) -> None:
    path = tmp_path / "data" / "j?o%u#r nal.db"
    path.parent.mkdir()
    beside(path, ".new").write_bytes(b"what a kill in the middle of making it left")

    async def modes() -> dict[str, int]:
        async with opened(path) as journal:
            await journal.add([a_job("a")])
            return {file.name: file.stat().st_mode & 0o777 for file in path.parent.iterdir()}

    names = (path.name, f"{path.name}-wal", f"{path.name}-shm", "reserve", "dispatched")
    assert asyncio.run(modes()) == dict.fromkeys(names, 0o600)


def test_the_journal_of_a_killed_service_is_complete(killed: Path) -> None:
    assert beside(killed, "-wal").stat().st_size > 0
    assert len(content(killed)) == 10


def test_an_older_schema_is_migrated_step_by_step(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    steps = ("ALTER TABLE jobs ADD COLUMN colour TEXT", "UPDATE jobs SET colour = 'red'")
    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, *steps))
    assert len(content(path)) == 200
    with contextlib.closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (len(schema.MIGRATIONS),)
        assert connection.execute("SELECT DISTINCT colour FROM jobs").fetchall() == [("red",)]


def test_a_failed_migration_changes_nothing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, "DELETE FROM jobs; ALTER TABLE nothing ADD x"))
        with pytest.raises(BootError, match="nothing"):
            content(path)
    assert len(content(path)) == 200


def test_a_newer_schema_is_rejected(path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA user_version = {len(schema.MIGRATIONS) + 1}")
    assert "newer Offload" in refusal(path)


def test_the_database_of_another_program_is_rejected(tmp_path: Path) -> None:
    path = tmp_path / "theirs.db"
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE theirs (x)")
    assert "not a journal of Offload" in refusal(path)


@pytest.mark.parametrize("content", [b"", b"SQLite format 3\0", b"{}" * 5_000], ids=["empty", "cut", "other"])
def test_a_file_that_is_not_a_database_is_rejected(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "journal.db"
    path.write_bytes(content)
    why = refusal(path)
    assert str(path) in why
    assert "Move it away" in why


@pytest.mark.parametrize("suffix", ["", "-wal"])
def test_a_directory_in_place_of_the_file_is_rejected(path: Path, suffix: str) -> None:
    place = beside(path, suffix)
    place.unlink(missing_ok=True)
    place.mkdir()
    with pytest.raises(BootError, match="is not a regular file"):
        content(path)
    assert place.is_dir()


@pytest.mark.parametrize("share", [0.99, 0.7, 0.5, 0.1])
def test_a_truncated_file_is_rejected(path: Path, share: float) -> None:
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    assert "Move it away" in refusal(path)


@pytest.mark.parametrize("suffix", ["", "-wal", "-shm"])
def test_a_fifo_in_place_of_a_file_is_rejected(path: Path, suffix: str) -> None:
    file = path.with_name(path.name + suffix)
    file.unlink(missing_ok=True)
    os.mkfifo(file)
    with pytest.raises(BootError, match="is not a regular file"):
        content(path)


def test_damage_in_any_page_is_rejected_or_harmless(path: Path) -> None:
    whole = path.read_bytes()
    refused: list[str] = []
    for page in range(0, len(whole), 4096):
        path.write_bytes(whole[:page] + b"\xa5" * 4096 + whole[page + 4096 :])
        try:
            assert len(content(path)) == 200
        except BootError as error:
            refused.append(str(error))
    assert all("Move it away" in why for why in refused)
    assert len(refused) >= len(whole) // 4096 - 2, "all but pages that hold nothing of structure"


def test_a_schema_that_is_not_utf8_is_rejected(path: Path) -> None:
    data = path.read_bytes()
    damaged = data.replace(b"CREATE TABLE jobs", b"CREATE TABL\xee jobs")
    assert damaged != data
    path.write_bytes(damaged)
    assert "Move it away" in refusal(path)


def test_a_record_that_is_not_utf8_is_reported_as_damage(path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE jobs SET task = CAST(x'ee41' AS TEXT)")
    with pytest.raises(StorageFailedError, match=r"damaged.*restore a backup"):
        content(path)


def test_a_wal_without_its_database_is_rejected(killed: Path) -> None:
    killed.unlink()
    assert "is missing" in refusal(killed)


def flip(log: Path, at: float) -> None:
    data = bytearray(log.read_bytes())
    data[int(len(data) * at)] ^= 0xFF
    log.write_bytes(data)


def damage_header(path: Path) -> None:
    flip(beside(path, "-wal"), 0)


def damage_middle(path: Path) -> None:
    flip(beside(path, "-wal"), 0.5)


def damage_middle_without_index(path: Path) -> None:
    flip(beside(path, "-wal"), 0.5)
    beside(path, "-shm").unlink()


def damage_end(path: Path) -> None:
    flip(beside(path, "-wal"), 0.999)


def cut(path: Path) -> None:
    os.truncate(beside(path, "-wal"), beside(path, "-wal").stat().st_size - 5_000)


def empty(path: Path) -> None:
    os.truncate(beside(path, "-wal"), 0)


def remove(path: Path) -> None:
    beside(path, "-wal").unlink()


DAMAGES = [damage_header, damage_middle, damage_middle_without_index, damage_end, cut, empty, remove]


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_wal_that_lost_acknowledged_writes_is_rejected(killed: Path, damage: Callable[[Path], None]) -> None:
    damage(killed)
    assert "acknowledged" in refusal(killed)


def test_an_incomplete_unacknowledged_write_is_not_damage(killed: Path) -> None:
    log = beside(killed, "-wal")
    frame = 24 + 4096
    whole = log.read_bytes()
    for torn in (whole + whole[-frame : -frame // 2], whole + b"\0" * frame, whole + whole[-frame:]):
        shutil.copytree(killed.parent, killed.parent.with_name("torn"))
        path = killed.parent.with_name("torn") / killed.name
        beside(path, "-wal").write_bytes(torn)
        assert len(content(path)) == 10
        shutil.rmtree(path.parent)


def test_frames_of_failed_commits_are_not_damage(killed: Path) -> None:
    """Frames of this log that were rolled back: the index does not count them, whatever they look like."""
    log = beside(killed, "-wal")
    whole = log.read_bytes()
    log.write_bytes(whole + whole[-2 * 4120 :] * 3)
    assert len(content(killed)) == 10


def test_a_power_failure_in_the_first_commit_is_not_damage(killed: Path) -> None:
    """Some file systems then leave zeros: what was written had not been synced, so not acknowledged either."""
    log = beside(killed, "-wal")
    beside(killed, "-shm").unlink()
    log.write_bytes(b"\0" * log.stat().st_size)
    assert content(killed) == []


def test_a_power_failure_in_the_last_commit_is_not_damage(killed: Path) -> None:
    """Then the index is gone, and the last transaction's frames are there in part: it had not been acknowledged."""
    log = beside(killed, "-wal")
    beside(killed, "-shm").unlink()
    data = bytearray(log.read_bytes())
    data[-2 * 4120 + 100] ^= 0xFF
    log.write_bytes(data)
    assert content(killed) == [f"{number}" for number in reversed(range(9))]


def test_the_index_of_an_older_wal_is_ignored(killed: Path) -> None:
    index = bytearray(beside(killed, "-shm").read_bytes())
    index[16:20] = (10_000).to_bytes(4, sys.byteorder)
    index[32:40] = b"\0" * 8
    index[48:96] = index[:48]
    beside(killed, "-shm").write_bytes(index)
    assert len(content(killed)) == 10


def test_a_journal_that_another_process_has_locked_is_rejected(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("offload.stores.journal.opening.BUSY_TIMEOUT_S", 0.05)
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("PRAGMA locking_mode = EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(BootError, match="Another process holds it"):
            content(path)


OPEN = """
import os, pathlib, sys, urllib.parse  # all of it now: another user may not be able to read this Python
from offload.errors import BootError, StorageFailedError
from offload.stores.journal import opening
if os.geteuid() == 0:
    os.setgroups([]); os.setgid(65534); os.setuid(65534)  # root may write anywhere
try:
    opening.open_writer(pathlib.Path(sys.argv[1]))
except BootError as error:
    print(error)
"""


@pytest.mark.parametrize(
    ("there", "mode"),
    [(False, 0o500), (True, 0o500), (True, 0o700)],
    ids=["no new file", "no log beside the file", "the file itself"],
)
def test_a_journal_that_can_not_be_written_is_rejected(path: Path, there: bool, mode: int) -> None:
    if there:
        path.chmod(0o400)
    else:
        path.unlink()
    place = Path(tempfile.mkdtemp())  # pytest's own directory lets nobody but its user in
    try:
        shutil.copytree(path.parent, place, dirs_exist_ok=True)
        if os.geteuid() == 0:
            for each in (place, *place.iterdir()):
                shutil.chown(each, 65534)
        place.chmod(mode)
        command = [sys.executable, "-c", OPEN, str(place / path.name)]
        opening = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    finally:
        place.chmod(0o700)
        shutil.rmtree(place)
    assert "can't be opened" in opening.stdout, opening.stderr
    assert "check its owner, mode and free space" in opening.stdout
