"""A directory for Unix sockets: only this user can enter it, and its path is short enough for the kernel."""

import hashlib
import os
import shutil
import stat
import tempfile
from pathlib import Path

from offload.errors import BootError

LONGEST = 88
"""Bytes that the directory's path may have. The kernel takes 107; the name of multiprocessing's own socket is 18."""


def socket_directory(run_dir: Path) -> Path:
    """Makes the directory: `run_dir`, or where its path is too long, one below the temporary directory.

    That one is named after `run_dir`, so what a killed service left there is found, and removed, by the next. Raises
    BootError where the directory can't be made, or isn't this user's alone.
    """
    directory = _place(run_dir)
    if len(os.fsencode(directory)) > LONGEST:
        raise BootError(f"The path {directory} is too long for Unix sockets. Set TMPDIR to a shorter directory.")
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = directory.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
            raise BootError(f"{directory} belongs to somebody else. Remove it, or set TMPDIR to another directory.")
        directory.chmod(0o700)
    except OSError as error:
        raise BootError(f"The directory {directory} can't be used for sockets: {error.strerror}.") from error
    return directory


def remove_socket_directory(run_dir: Path) -> None:
    """Removes the directory with all that is in it, where it is one of its own; `run_dir` itself stays."""
    directory = _place(run_dir)
    if directory != run_dir.resolve() and not directory.is_symlink():
        shutil.rmtree(directory, ignore_errors=True)


def _place(run_dir: Path) -> Path:
    directory = run_dir.resolve()
    if len(os.fsencode(directory)) <= LONGEST:
        return directory
    digest = hashlib.sha256(os.fsencode(directory)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"offload-{digest}"
