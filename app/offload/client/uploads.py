"""Bodies of uploads: files that are read while they are sent."""

import io
import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TypeAlias

from offload.client import api
from offload.client.records import Upload
from offload.client.request import Request

PORTION = 256 << 10

OnProgress: TypeAlias = Callable[[int, int | None], object]
"""Called with the bytes sent so far and the total, which is None where it is not known."""


def _ignore(_: int, __: int | None) -> None:
    """Stands for no progress callback."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PathBody:
    """A regular file by its path. Each try opens it again."""

    path: str
    """As it was given: a `Path` would drop a slash at its end."""
    size: int | None
    """None: up to the end of the file."""
    on_progress: OnProgress = _ignore

    def chunks(self) -> Iterator[bytes]:
        """Yield as many bytes as the file had at first."""
        with open(self.path, "rb") as file:  # noqa: PTH123  # see `path`
            yield from _read(file, self.size, self.on_progress)


@dataclass(frozen=True, slots=True, kw_only=True)
class FileBody:
    """An open file or pipe, read once from its position."""

    file: IO[bytes]
    size: int | None
    on_progress: OnProgress = _ignore

    def chunks(self) -> Iterator[bytes]:
        """Yield the rest of the file."""
        return _read(self.file, self.size, self.on_progress)


def _read(file: IO[bytes], size: int | None, on_progress: OnProgress) -> Iterator[bytes]:
    """Yield at most `size` bytes, which is the announced length. Raises OSError where there are fewer."""
    sent = 0
    while portion := file.read(PORTION if size is None else min(PORTION, size - sent)):
        yield portion
        sent += len(portion)
        on_progress(sent, size)
    if size is not None and sent < size:
        raise OSError(f"{getattr(file, 'name', 'The file')} has become shorter while it was read")


def upload_request(
    source: str | os.PathLike[str] | IO[bytes], name: str | None, on_progress: OnProgress | None
) -> Request[Upload]:
    """Return the request that sends a file. The name is by default that of the path or of the open file.

    Raises OSError where a path can't be read.
    """
    on_progress = on_progress or _ignore
    if isinstance(source, str | os.PathLike):
        return _path_request(os.fspath(source), name, on_progress)
    known = getattr(source, "name", None)
    name = name or (Path(known).name if isinstance(known, str) else "upload")
    body = FileBody(file=source, size=_remaining(source), on_progress=on_progress)
    return api.upload(body, name, repeatable=False)


def _path_request(path: str, name: str | None, on_progress: OnProgress) -> Request[Upload]:
    name = name or Path(path).name
    file: IO[bytes] = open(path, "rb")  # noqa: PTH123, SIM115  # stays open where it is not a regular file
    status = os.fstat(file.fileno())
    if stat.S_ISREG(status.st_mode):
        file.close()  # opening it has shown, before any request, that it can be read
        size = status.st_size or None  # files in /proc claim to be empty and are not
        return api.upload(PathBody(path=path, size=size, on_progress=on_progress), name, repeatable=True)
    return api.upload(FileBody(file=file, size=None, on_progress=on_progress), name, repeatable=False)


def _remaining(file: IO[bytes]) -> int | None:
    """Return the bytes from the position to the end. None where that can't be measured, or is 0 as in /proc."""
    try:
        at = file.tell()
        end = file.seek(0, io.SEEK_END)
        file.seek(at)
    except (OSError, AttributeError, ValueError):
        return None
    return max(0, end - at) or None
