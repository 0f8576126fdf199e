"""Opens a regular file below a directory, and nothing else: no path leads out by `..` or a link; no pipe or device.

The path is walked component by component with `dir_fd` and O_NOFOLLOW, so that a link swapped in at any moment is
rejected by the kernel and not by an earlier check. Linux only (O_PATH).
"""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

from offload.errors import FileNotFoundProblemError, NotARegularFileError, PathRefusedError, ProblemError

_DIRECTORY = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC
# O_NONBLOCK: a file that is replaced by a pipe after the check must not block the open.
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY


@contextmanager
def open_below(root: Path, path: str) -> Iterator[int]:
    """Open the regular file at `path` below `root` for reading, and provide its descriptor.

    The operator chooses `root`, which may be reached through links. Raises `PathRefusedError` if the path is absolute,
    has `..`, `.` or empty components, goes through a link or may not be read; `FileNotFoundProblemError` and
    `NotARegularFileError`.
    """
    *directories, name = path_components(path)
    here = _open_root(root)
    try:
        for directory in directories:  # one open descriptor at a time: a path may have two thousand directories
            above, here = here, os.open(directory, _DIRECTORY, dir_fd=here)
            os.close(above)
            _expect_directory(os.fstat(here).st_mode, directory)
        # Opening a device can already affect it: check before the open, and again after it.
        looked_at = os.stat(name, dir_fd=here, follow_symlinks=False).st_mode
        if stat.S_ISDIR(looked_at) and not os.access(name, os.R_OK | os.X_OK, dir_fd=here, effective_ids=True):
            raise PathRefusedError("The path names a directory that the service has no permission to read.")
        _expect_file(looked_at)
        descriptor = os.open(name, _FILE, dir_fd=here)
    except OSError as error:
        _explain(error, path)
    finally:
        os.close(here)
    try:
        _expect_file(os.fstat(descriptor).st_mode)
        yield descriptor
    finally:
        os.close(descriptor)


def path_components(path: str, what: str = "path") -> list[str]:
    """Return the components of a relative path. Raises `PathRefusedError` for `..`, `.` and empty components.

    `what` is the name of the parameter that holds the path.
    """
    names = path.split("/")
    if path.startswith("/"):
        why = f"The {what} is absolute. Give it relative to the files directory."
    elif ".." in names:
        why = f"The {what} goes upwards by `..`. Give it relative to the files directory."
    elif "" in names or "." in names:
        why = f"The {what} has an empty or `.` component. Write it plainly, as in `photos/a.jpg`."
    elif "\0" in path:
        why = f"The {what} has a NUL character, which no file name has."
    elif not _can_be_a_name(path):
        why = f"The {what} has characters that no file name on this system can have."
    else:
        return names
    raise PathRefusedError(why, errors=[{"loc": ["body", what], "msg": why}])


def _can_be_a_name(text: str) -> bool:
    try:
        os.fsencode(text)
    except UnicodeEncodeError:
        return False
    return True


def _open_root(root: Path) -> int:
    try:
        return os.open(root, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        raise FileNotFoundProblemError("The files directory of the service does not exist.") from None
    except OSError as error:
        if error.errno not in {errno.EACCES, errno.ELOOP}:
            raise
        raise FileNotFoundProblemError(
            f"The files directory of the service can't be entered: {error.strerror}."
        ) from None


def _expect_directory(mode: int, name: str) -> None:
    if stat.S_ISLNK(mode):
        raise PathRefusedError(f"The path goes through a symbolic link, {name!r}. Links are not followed.")
    if not stat.S_ISDIR(mode):
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))


def _expect_file(mode: int) -> None:
    if stat.S_ISLNK(mode):
        raise PathRefusedError("The path names a symbolic link. Links are not followed.")
    if not stat.S_ISREG(mode):
        raise NotARegularFileError(f"The path names {_KINDS.get(stat.S_IFMT(mode), 'something else')}.")


_KINDS = {
    stat.S_IFDIR: "a directory",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a character device",
    stat.S_IFBLK: "a block device",
}


def _explain(error: OSError, path: str) -> NoReturn:
    problem: ProblemError
    match error.errno:
        case errno.ENOENT | errno.ENOTDIR if "\\" in path:
            problem = FileNotFoundProblemError("There is no file at this path. Separate folders with `/`.")
        case errno.ENOENT | errno.ENOTDIR:
            problem = FileNotFoundProblemError("There is no file at this path below the files directory.")
        case errno.ENAMETOOLONG:
            problem = FileNotFoundProblemError("A name in the path is longer than the file system allows.")
        case errno.EACCES | errno.EPERM:
            problem = PathRefusedError("The service has no permission to read this file.")
        case errno.ELOOP:  # it was a file when it was checked
            problem = PathRefusedError("The path names a symbolic link. Links are not followed.")
        case errno.ENXIO | errno.ENODEV:  # likewise
            problem = NotARegularFileError("The path names a pipe, a socket or a device.")
        case _:
            raise error
    raise problem from None
