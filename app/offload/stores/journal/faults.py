"""SQLite's errors as ours, with what an operator needs to know in the detail."""

import os
import sqlite3
from pathlib import Path

from offload.errors import DuplicateKeyError, StorageFailedError, StorageFullError

BUSY_TIMEOUT_S = 5.0
"""How long a write waits for another process that holds the file's lock, a backup for example."""

_NOT_ENOUGH_BYTES = 64 * 1024
"""Less free space than this counts as full where SQLite only says "I/O error": it can't even extend its WAL index."""


def is_members_own(error: Exception) -> bool:
    """True where one piece of work is at fault and the others of its group can still be done."""
    if isinstance(error, sqlite3.Error):
        return isinstance(
            error, sqlite3.IntegrityError | sqlite3.DataError | sqlite3.ProgrammingError | sqlite3.InterfaceError
        )
    return True  # a value that SQLite can't hold: too large an integer, text that is not Unicode


def storage_error(error: Exception, directory: Path) -> Exception:
    """What the waiter of a failed read or write gets; a new one for each, since tracebacks grow where raised."""
    if isinstance(error, DuplicateKeyError):
        return DuplicateKeyError()
    code = primary_code(error)
    if code == sqlite3.SQLITE_FULL or (code == sqlite3.SQLITE_IOERR and _is_full(directory)):
        return StorageFullError("The disk that holds the journal is full.")
    if code == sqlite3.SQLITE_BUSY:
        return StorageFailedError(f"Another process has held the journal's lock for over {BUSY_TIMEOUT_S:g} s.")
    if code in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB} or _is_no_text(error):
        return StorageFailedError(f"The journal is damaged: {error}. Stop the service and restore a backup of it.")
    return StorageFailedError(f"The journal failed: {error}")


def primary_code(error: Exception) -> int | None:
    """SQLite's primary result code; None where the error is not SQLite's own (the module raises some without one)."""
    code: int | None = getattr(error, "sqlite_errorcode", None)
    return None if code is None else code & 0xFF


def _is_no_text(error: Exception) -> bool:
    """True where what the file holds could not be decoded, for which the module's error has no code."""
    return isinstance(error, UnicodeDecodeError) or "Could not decode to UTF-8" in str(error)


def _is_full(directory: Path) -> bool:
    try:
        free = os.statvfs(directory)
    except OSError:
        return False
    return free.f_bavail * free.f_frsize < _NOT_ENOUGH_BYTES
