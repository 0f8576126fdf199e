"""Directories of the stores: private, durable, and short enough for Unix sockets."""

import hashlib
import os
import shutil
import stat
import tempfile
from pathlib import Path

from offload.errors import BootError

LONGEST_SOCKET_DIRECTORY = 88
"""Maximum length in bytes of the path. The kernel allows 107 for a socket, and multiprocessing's own name takes 18."""


def private_directory(directory: Path, holds: str) -> Path:
    """Creates the directory with mode 0700 if it is missing, and returns it.

    `holds` names the content for the error's text. Raises `BootError` if the directory can't be created.
    """
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise BootError(
            f"The directory for {holds} can't be created: {error}. Check who owns its parent directory."
        ) from error
    return directory


def sync_directory(directory: Path) -> None:
    """Returns when the names in the directory are on disk. The fsync of a file does not cover its name."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def socket_directory(run_dir: Path) -> Path:
    """Creates a directory for Unix sockets that only this user can enter, and returns it.

    It is `run_dir`, or a directory below the temporary directory if that path is too long. The latter's name is derived
    from `run_dir`, so the next start finds and removes what a killed service left there. Raises `BootError` if the
    directory can't be created or belongs to another user.
    """
    directory = _location(run_dir)
    if len(os.fsencode(directory)) > LONGEST_SOCKET_DIRECTORY:
        raise BootError(f"The path {directory} is too long for Unix sockets. Set TMPDIR to a shorter path.")
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = directory.lstat()
        if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid():
            raise BootError(f"{directory} belongs to another user. Remove it, or set TMPDIR to another directory.")
        directory.chmod(0o700)
    except OSError as error:
        raise BootError(f"The directory {directory} can't be used for sockets: {error.strerror}.") from error
    return directory


def remove_socket_directory(run_dir: Path) -> None:
    """Removes the socket directory and its content if it is not `run_dir` itself."""
    directory = _location(run_dir)
    if directory != run_dir.resolve() and not directory.is_symlink():
        shutil.rmtree(directory, ignore_errors=True)


def _location(run_dir: Path) -> Path:
    directory = run_dir.resolve()
    if len(os.fsencode(directory)) <= LONGEST_SOCKET_DIRECTORY:
        return directory
    digest = hashlib.sha256(os.fsencode(directory)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"offload-{digest}"
