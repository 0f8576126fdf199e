"""Opening the file: made if it is not there, upgraded if it is older, refused if it can't be trusted.

A journal that can't be read as it was written is never treated as empty, since the next job would bury what it held.
"""

import contextlib
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

from offload.errors import BootError
from offload.stores.directory import sync_directory
from offload.stores.journal import sql, wal
from offload.stores.journal.faults import BUSY_TIMEOUT_S, primary_code

_MAGIC = b"SQLite format 3\0"

_RESCUE = "Move it away, together with its -wal and -shm files, or restore a backup of it; then start again."

_CHECKED_WHOLE = 64 * 2**20
"""Bytes up to which the whole file is checked, at 1.2 ms a MiB. Damage in a larger one is met when it is read."""

_WRITER = """
PRAGMA journal_mode = WAL;           -- the file remembers it, but a copy by VACUUM INTO does not
PRAGMA synchronous = FULL;           -- every commit is fsync'd: what a 202 stands for
PRAGMA cache_size = -16384;          -- KiB; bounds the writer's memory
PRAGMA wal_autocheckpoint = 1000;    -- pages (4 MiB) go back into the file by the commit that passes it, some 10 ms
PRAGMA journal_size_limit = 16777216; -- bytes; a WAL that a long read let grow shrinks again
PRAGMA secure_delete = FAST;         -- builds differ; ON writes every deleted result once more
PRAGMA cell_size_check = ON;         -- damage is met as an error and not as nonsense
"""
# No auto_vacuum: the pages of forgotten jobs are used by the next ones, and an offline VACUUM shrinks the file.


def open_writer(path: Path) -> sqlite3.Connection:
    """The one connection that writes. Raises `BootError` where the file can't be used, saying what to do."""
    with _refusing(path):
        _refuse_damage(path)
        if not path.exists():
            _create(path)
        return _open(path)


def open_reader(path: Path) -> sqlite3.Connection:
    """A connection that can't write, and that neither waits for the writer nor makes it wait."""
    with _refusing(path):
        connection = _connect(path, "ro")
        connection.execute("PRAGMA cache_size = -8192")  # KiB
        return connection


@contextlib.contextmanager
def _refusing(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, sqlite3.Error, UnicodeDecodeError) as error:
        raise BootError(f"The journal {path} can't be opened: {error}. {_remedy(error)}") from error


def inodes(path: Path) -> tuple[int, int] | None:
    """Which files an open journal and its log are; None where one is gone.

    They stay the same for as long as it is open. Where they don't, somebody has removed or replaced them, and SQLite
    goes on writing into files without a name, which nobody will find again.
    """
    try:
        return path.stat().st_ino, _beside(path, "-wal").stat().st_ino
    except OSError:
        return None


def _refuse_damage(path: Path) -> None:
    """What SQLite itself would not notice, or would take for an empty database."""
    log = _beside(path, "-wal")
    if not path.exists():
        if log.exists() and log.stat().st_size:
            raise BootError(f"The journal {path} is missing, but {log} with its last writes is there. {_RESCUE}")
        return
    with path.open("rb") as file:
        header = file.read(100)
    if len(header) < 100 or not header.startswith(_MAGIC):
        raise BootError(f"{path} is not a SQLite database, or has been cut short. {_RESCUE}")
    if loss := wal.loss(path):
        raise BootError(f"The journal {path} has lost writes that were acknowledged: {loss}. {_RESCUE}")


def _create(path: Path) -> None:
    """Makes the whole file under another name first: there is never a half-made journal, not even after a kill."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = _beside(path, ".new")
    draft.unlink(missing_ok=True)
    draft.touch(mode=0o600)
    with contextlib.closing(_connect(draft)) as connection:
        connection.execute(f"PRAGMA application_id = {sql.APPLICATION_ID}")
        _upgrade(connection, sql.UPGRADES)
    draft.rename(path)
    sync_directory(path.parent)


def _beside(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)


def _open(path: Path) -> sqlite3.Connection:
    connection = _connect(path)
    try:
        _accept(connection, path)
    except BaseException:
        connection.close()
        raise
    return connection


def _accept(connection: sqlite3.Connection, path: Path) -> None:
    """Brings the file to this schema, and shows that it is whole and can be written."""
    if _pragma(connection, "application_id") != sql.APPLICATION_ID:
        raise BootError(f"{path} is a SQLite database, but not a journal of Offload. Set another data directory.")
    version = _pragma(connection, "user_version")
    if version > len(sql.UPGRADES):
        raise BootError(
            f"The journal {path} has schema version {version}, and this Offload knows {len(sql.UPGRADES)}. "
            "Start a newer Offload, or restore the backup from before the upgrade."
        )
    connection.executescript(_WRITER)
    _upgrade(connection, sql.UPGRADES)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    size = path.stat().st_size
    if size < _pragma(connection, "page_count") * _pragma(connection, "page_size"):
        raise BootError(f"The journal {path} has been cut short. {_RESCUE}")
    if size <= _CHECKED_WHOLE and (found := connection.execute("PRAGMA quick_check(1)").fetchone()[0]) != "ok":
        raise BootError(f"The journal {path} is damaged: {found}. {_RESCUE}")
    connection.execute(sql.BEAT)


def _connect(path: Path, mode: Literal["rw", "ro"] = "rw") -> sqlite3.Connection:
    uri = f"{path.absolute().as_uri()}?mode={mode}"
    return sqlite3.connect(uri, uri=True, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False)


def _upgrade(connection: sqlite3.Connection, upgrades: Sequence[str]) -> None:
    """Runs what is missing, each script with its version number in one transaction."""
    for version in range(_pragma(connection, "user_version"), len(upgrades)):
        try:
            connection.executescript(
                f"BEGIN IMMEDIATE; {upgrades[version]}; PRAGMA user_version = {version + 1}; COMMIT;"
            )
        except sqlite3.Error:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    value: int = connection.execute(f"PRAGMA {name}").fetchone()[0]
    return value


def _remedy(error: OSError | sqlite3.Error | UnicodeDecodeError) -> str:
    code = primary_code(error)
    # SQLite quotes what it can't read, and bytes that are no text then fail in place of its own error.
    if code in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB} or isinstance(error, UnicodeDecodeError):
        return _RESCUE
    if code in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
        return "Another process holds it: end that one first."
    if code == sqlite3.SQLITE_FULL:
        return "Free some space on its disk."
    return "The service needs a directory where it may make and write files: check its owner, mode and free space."
