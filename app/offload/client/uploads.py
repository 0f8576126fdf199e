"""Files to be uploaded, read while they are sent."""

import io
import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from offload.client import calls
from offload.client.call import Call
from offload.client.records import Upload

PORTION = 256 << 10

OnProgress = Callable[[int, int | None], object]
"""Called with the bytes sent so far, and those there are in all where that is known."""


def _ignore(_: int, __: int | None) -> None:
    """Nobody wants to know."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PathSource:
    """A regular file by its path: it is opened again for each try."""

    path: str
    """As it was given: a `Path` would forget a slash at its end."""
    size: int | None
    """None: whatever there is."""
    told: OnProgress = _ignore

    def chunks(self) -> Iterator[bytes]:
        """As much as there was at first."""
        with open(self.path, "rb") as file:  # noqa: PTH123  # see there
            yield from _portions(file, self.size, self.told)


@dataclass(frozen=True, slots=True, kw_only=True)
class FileSource:
    """An open file or pipe, read once from where it is."""

    file: IO[bytes]
    size: int | None
    told: OnProgress = _ignore

    def chunks(self) -> Iterator[bytes]:
        """All of it."""
        return _portions(self.file, self.size, self.told)


def _portions(file: IO[bytes], size: int | None, told: OnProgress) -> Iterator[bytes]:
    """Not more than `size`, which was promised. Raises OSError where there is less."""
    sent = 0
    while portion := file.read(PORTION if size is None else min(PORTION, size - sent)):
        yield portion
        sent += len(portion)
        told(sent, size)
    if size is not None and sent < size:
        raise OSError(f"{getattr(file, 'name', 'The file')} has become shorter while it was read")


def upload(
    source: str | os.PathLike[str] | IO[bytes], name: str | None, on_progress: OnProgress | None
) -> Call[Upload]:
    """The call that sends a file. Its name, unless given, is that of its path, or what an open file says of itself.

    Raises OSError where a path can't be read.
    """
    told = on_progress or _ignore
    if isinstance(source, str | os.PathLike):
        path = os.fspath(source)
        file: IO[bytes] = open(path, "rb")  # noqa: PTH123, SIM115  # what is no regular file is left open to be sent
        status = os.fstat(file.fileno())
        if stat.S_ISREG(status.st_mode):
            file.close()  # it could be read: that it can't is told before there is a request
            size = status.st_size or None  # files of the kernel say that they are empty, and are not
            return calls.upload(PathSource(path=path, size=size, told=told), name or Path(path).name, again=True)
        return calls.upload(FileSource(file=file, size=None, told=told), name or Path(path).name, again=False)
    known = getattr(source, "name", None)
    name = name or (Path(known).name if isinstance(known, str) else "upload")
    return calls.upload(FileSource(file=source, size=_left(source), told=told), name, again=False)


def _left(file: IO[bytes]) -> int | None:
    """How much there is to read, of a file that can be measured; one that says that it is empty may not be."""
    try:
        at = file.tell()
        end = file.seek(0, io.SEEK_END)
        file.seek(at)
    except (OSError, AttributeError, ValueError):
        return None
    return max(0, end - at) or None
