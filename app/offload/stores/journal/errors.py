"""SQLite's errors as the service's errors, with what an operator needs to know in the detail."""

import os
import sqlite3
from pathlib import Path

from offload.errors import DuplicateKeyError, StorageFailedError, StorageFullError

BUSY_TIMEOUT_S = 5.0
"""How long a write waits for another process that holds the file's lock, for example a backup."""

FULL = "The disk that holds the journal is full."

_NOT_ENOUGH_BYTES = 64 * 1024
"""With less free space than this, an "I/O error" of SQLite means a full disk: it could not extend the WAL's index."""


def concerns_one_write(error: Exception) -> bool:
    """Returns True if one write is invalid and the others of its group can still be done."""
    if isinstance(error, sqlite3.Error):
        return isinstance(
            error, sqlite3.IntegrityError | sqlite3.DataError | sqlite3.ProgrammingError | sqlite3.InterfaceError
        )
    return True  # a value that SQLite can't store: an integer over 64 bits, or a lone surrogate


def storage_error(error: Exception, directory: Path) -> Exception:
    """Returns the error for the caller of a failed read or write. Each caller gets its own, since raising adds to its
    traceback.
    """
    if isinstance(error, DuplicateKeyError):
        return DuplicateKeyError()
    code = primary_code(error)
    if code == sqlite3.SQLITE_FULL or (code == sqlite3.SQLITE_IOERR and _is_full(directory)):
        return StorageFullError(FULL)
    if code == sqlite3.SQLITE_BUSY:
        return StorageFailedError(f"Another process has held the journal's lock for over {BUSY_TIMEOUT_S:g} s.")
    if code in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB} or _is_decoding_error(error):
        return StorageFailedError(f"The journal is damaged: {error}. Stop the service and restore a backup of it.")
    return StorageFailedError(f"The journal failed: {error}")


def primary_code(error: Exception) -> int | None:
    """Returns SQLite's primary result code, or None. Some errors of the `sqlite3` module itself have no code."""
    code: int | None = getattr(error, "sqlite_errorcode", None)
    return None if code is None else code & 0xFF


def _is_decoding_error(error: Exception) -> bool:
    """Returns True if text in the file could not be decoded. The module's error for that has no code."""
    return isinstance(error, UnicodeDecodeError) or "Could not decode to UTF-8" in str(error)


def _is_full(directory: Path) -> bool:
    try:
        free = os.statvfs(directory)
    except OSError:
        return False
    return free.f_bavail * free.f_frsize < _NOT_ENOUGH_BYTES
