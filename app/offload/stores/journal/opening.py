"""Opens the journal's file: creates a missing one, migrates an older one, and rejects one that can't be trusted.

A damaged journal is never treated as empty, since new jobs would overwrite what can still be rescued from it.
"""

import contextlib
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

from offload.errors import BootError
from offload.stores.directories import sync_directory
from offload.stores.journal import schema, statements, wal_check
from offload.stores.journal.errors import BUSY_TIMEOUT_S, primary_code
from offload.stores.journal.file_check import MAGIC

_RESCUE = "Move it away, together with its -wal and -shm files, or restore a backup of it; then start again."

_CHECKED_WHOLE = 64 * 2**20
"""Bytes up to which the whole file is checked, at 1.2 ms per MiB. Damage in a larger file is found when it is read."""

_WRITER = """
PRAGMA journal_mode = WAL;           -- stored in the file, but not in a copy by VACUUM INTO
PRAGMA synchronous = FULL;           -- an fsync for every commit: a 202 means that the job is on disk
PRAGMA cache_size = -16384;          -- KiB; limits the writer's memory
PRAGMA wal_autocheckpoint = 1000;    -- pages (4 MiB); the commit that exceeds it spends 10 ms on the copy
PRAGMA journal_size_limit = 16777216; -- bytes; truncates a WAL that has grown during a long read
PRAGMA secure_delete = FAST;         -- the default differs between builds; ON writes every deleted result again
PRAGMA cell_size_check = ON;         -- damage causes an error instead of wrong data
"""
# No auto_vacuum: new jobs reuse the pages of deleted ones, and an offline VACUUM shrinks the file.


def open_writer(path: Path) -> sqlite3.Connection:
    """Returns the only connection that writes. Raises `BootError`, which says what to do, if the file can't be used."""
    with _boot_errors(path):
        _check_files(path)
        if not path.exists():
            _create(path)
        return _open(path)


def open_reader(path: Path) -> sqlite3.Connection:
    """Returns a read-only connection. It does not wait for the writer, and the writer does not wait for it."""
    with _boot_errors(path):
        connection = _connect(path, "ro")
        connection.execute("PRAGMA cache_size = -8192")  # KiB
        return connection


@contextlib.contextmanager
def _boot_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, sqlite3.Error, UnicodeDecodeError) as error:
        raise BootError(f"The journal {path} can't be opened: {error}. {_advice(error)}") from error


def _check_files(path: Path) -> None:
    """Finds damage that SQLite would not notice, or would treat as an empty database. Raises `BootError`."""
    log = _beside(path, "-wal")
    for each in (path, log, _beside(path, "-shm")):
        if each.exists() and not each.is_file():
            raise BootError(f"{each} is not a regular file. Move it away, or choose another data directory.")
    if not path.exists():
        if log.exists() and log.stat().st_size:
            raise BootError(f"The journal {path} is missing, but {log}, which holds its last writes, exists. {_RESCUE}")
        return
    with path.open("rb") as file:
        header = file.read(100)
    if len(header) < 100 or not header.startswith(MAGIC):
        raise BootError(f"{path} is not a SQLite database, or has been truncated. {_RESCUE}")
    if loss := wal_check.find_loss(path):
        raise BootError(f"The journal {path} has lost acknowledged writes: {loss}. {_RESCUE}")


def _create(path: Path) -> None:
    """Creates the file under another name and renames it, so a kill never leaves an incomplete journal."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = _beside(path, ".new")
    draft.unlink(missing_ok=True)
    draft.touch(mode=0o600)
    with contextlib.closing(_connect(draft)) as connection:
        connection.execute(f"PRAGMA application_id = {schema.APPLICATION_ID}")
        _migrate(connection, schema.MIGRATIONS)
    draft.rename(path)
    sync_directory(path.parent)


def _beside(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)


def _open(path: Path) -> sqlite3.Connection:
    connection = _connect(path)
    try:
        _check_and_migrate(connection, path)
    except BaseException:
        connection.close()
        raise
    return connection


def _check_and_migrate(connection: sqlite3.Connection, path: Path) -> None:
    """Migrates the file to the current schema, and checks that it is intact and writable. Raises `BootError`."""
    if _pragma(connection, "application_id") != schema.APPLICATION_ID:
        raise BootError(f"{path} is a SQLite database, but not a journal of Offload. Choose another data directory.")
    version = _pragma(connection, "user_version")
    if version > len(schema.MIGRATIONS):
        raise BootError(
            f"The journal {path} has schema version {version}, and this Offload supports {len(schema.MIGRATIONS)}. "
            "Start a newer Offload, or restore the backup from before the upgrade."
        )
    connection.executescript(_WRITER)
    _migrate(connection, schema.MIGRATIONS)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    size = path.stat().st_size
    if size < _pragma(connection, "page_count") * _pragma(connection, "page_size"):
        raise BootError(f"The journal {path} has been truncated. {_RESCUE}")
    if size <= _CHECKED_WHOLE and (found := connection.execute("PRAGMA quick_check(1)").fetchone()[0]) != "ok":
        raise BootError(f"The journal {path} is damaged: {found}. {_RESCUE}")
    connection.execute(statements.BEAT)


def _connect(path: Path, mode: Literal["rw", "ro"] = "rw") -> sqlite3.Connection:
    uri = f"{path.absolute().as_uri()}?mode={mode}"
    return sqlite3.connect(uri, uri=True, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False)


def _migrate(connection: sqlite3.Connection, migrations: Sequence[str]) -> None:
    """Runs the missing migrations. Each one, with its version number, is one transaction."""
    for version in range(_pragma(connection, "user_version"), len(migrations)):
        try:
            connection.executescript(
                f"BEGIN IMMEDIATE; {migrations[version]}; PRAGMA user_version = {version + 1}; COMMIT;"
            )
        except sqlite3.Error:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    value: int = connection.execute(f"PRAGMA {name}").fetchone()[0]
    return value


def _advice(error: OSError | sqlite3.Error | UnicodeDecodeError) -> str:
    code = primary_code(error)
    # SQLite's message quotes what it can't read. Bytes that are not UTF-8 then raise this instead of its own error.
    if code in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB} or isinstance(error, UnicodeDecodeError):
        return _RESCUE
    if code in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
        return "Another process holds it: stop that one first."
    if code == sqlite3.SQLITE_FULL:
        return "Free some space on its disk."
    return "The service needs a directory where it can create and write files: check its owner, mode and free space."
