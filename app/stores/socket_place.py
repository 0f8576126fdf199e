"""Where the board's socket is: in a directory that only this user can enter, by a path short enough for the kernel."""

import hashlib
import os
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

from app.errors import BootError

LONGEST = 100
"""Bytes that a Unix socket's path may have; the kernel's own limit is 107."""


@dataclass(frozen=True, slots=True)
class SocketPlace:
    """A socket's path, and the directory that was made for it alone: None where it is in the run directory."""

    path: Path
    own_dir: Path | None

    def remove(self) -> None:
        """Removes what was made, as far as it is there."""
        self.path.unlink(missing_ok=True)
        if self.own_dir is not None and self.own_dir.is_dir():
            self.own_dir.rmdir()


def make_place(run_dir: Path) -> SocketPlace:
    """A place below `run_dir`; where that is too deep, below the temporary directory, by a name made from `run_dir`.

    The name is the same at every start, so a socket left behind by a killed service is found, and removed, by the
    next. Raises BootError where the directory can't be made, or isn't this user's alone.
    """
    path = run_dir.resolve() / "board.sock"
    own_dir = None
    if len(os.fsencode(path)) > LONGEST:
        digest = hashlib.sha256(os.fsencode(path)).hexdigest()[:16]
        own_dir = Path(tempfile.gettempdir()) / f"offload-{digest}"
        path = own_dir / "board.sock"
    if len(os.fsencode(path)) > LONGEST:
        raise BootError(f"The path {path} is too long for a Unix socket. Set TMPDIR to a shorter directory.")
    try:
        _make_private(path.parent)
        path.unlink(missing_ok=True)
    except OSError as error:
        raise BootError(
            f"The directory {path.parent} can't be used for the board's socket: {error.strerror}."
        ) from error
    return SocketPlace(path, own_dir)


def _make_private(directory: Path) -> None:
    """Makes the directory, or takes it where it is a real one of this user's; then nobody else can enter it."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = directory.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        raise BootError(f"{directory} belongs to somebody else. Remove it, or set TMPDIR to another directory.")
    directory.chmod(0o700)
