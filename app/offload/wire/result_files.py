"""Where a result goes: into the reply, or, too large for a message, into the attempt's result file."""

import contextlib
import os
from pathlib import Path


def file_name(job_id: str, attempt: int) -> str:
    """The result file's name in the results directory."""
    return f"{job_id}.{attempt}.json"


def write(directory: Path, job_id: str, attempt: int, result: bytes) -> None:
    """Makes the attempt's result file, whole and on disk when this returns. Raises OSError, and leaves nothing then."""
    final = directory / file_name(job_id, attempt)
    partial = _partial(final)
    try:
        with partial.open("wb") as file:
            file.write(result)
            file.flush()
            os.fsync(file.fileno())
        partial.rename(final)
    except OSError:
        with contextlib.suppress(OSError):
            partial.unlink()
        raise
    listing = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(listing)
    finally:
        os.close(listing)


def discard(directory: Path, job_id: str, attempt: int) -> None:
    """Removes what an attempt left that died without a word, the half of a file included."""
    final = directory / file_name(job_id, attempt)
    for file in (final, _partial(final)):
        with contextlib.suppress(OSError):
            file.unlink()


def _partial(final: Path) -> Path:
    """Where a result is while it is being written."""
    return final.with_name(f".{final.name}.partial")
