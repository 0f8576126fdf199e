"""What the stores need of directories: that they are private, and that a name made in them is on disk."""

import os
from pathlib import Path

from offload.errors import BootError


def private_directory(directory: Path, holds: str) -> Path:
    """Makes the directory (0700) where it is missing. Raises `BootError` where that fails; `holds` says what of."""
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise BootError(f"The directory for {holds} can't be made: {error}. Check who owns its parent.") from error
    return directory


def sync_directory(directory: Path) -> None:
    """Returns when the names in it are on disk: a file's own fsync does not cover its name."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
