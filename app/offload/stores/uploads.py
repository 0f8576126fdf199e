"""The spool of uploaded files. Upload X is two files: `X`, its bytes, and `X.json`, its note.

    receive ──► X.part ──fsync──► X.json, then X ──fsync of the directory──► it counts

Both are there or, after a crash, the rest is swept at the next start. The client's name is in the note and nowhere
else; only ids, which are UUIDs of our own making, become file names. The directory is private (0700).
"""

import asyncio
import contextlib
import errno
import json
import os
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import BinaryIO

import structlog

from offload import clock
from offload.errors import BodyTooLargeError, StorageFailedError, StorageFullError
from offload.jobs.model import Upload
from offload.stores.directories import private_directory, sync_directory
from offload.tasks.context import is_uuid

GATHERED_BYTES = 512 * 1024
"""Chunks are gathered up to this much before the thread writes them: twice as fast as each 64 KiB alone."""

log = structlog.get_logger()


class UploadDirectory:
    """`jobs.interfaces.Uploads` in one directory. Text that is no id of ours never reaches the file system."""

    def __init__(self, directory: Path) -> None:
        """Makes the directory where it is missing. Raises `BootError` where that fails."""
        self.directory = private_directory(directory, holds="uploads")
        self._going: set[str] = set()
        """Those that are being removed, and so are not there any more."""

    @contextlib.asynccontextmanager
    async def receive(self, upload_id: str, name: str, owner: str | None, max_bytes: int) -> AsyncIterator["Sink"]:
        """Takes in an upload under a new id. It is on disk once the context has ended; on any error nothing is left.

        Raises `BodyTooLargeError` beyond `max_bytes`, `StorageFullError`, and `StorageFailedError` for other faults.
        """
        if not is_uuid(upload_id):
            raise ValueError(f"{upload_id!r} is not an id")
        sink = Sink(self.directory / upload_id, max_bytes)
        try:
            await sink.open()
            yield sink
            await sink.keep(Upload(id=upload_id, name=name, size=sink.size, owner=owner, created_at=clock.now()))
        except BaseException:
            await sink.discard()
            raise

    async def get(self, upload_id: str) -> Upload | None:
        """The upload, whoever owns it. None where there is none, whatever the text of the id."""
        if not is_uuid(upload_id) or upload_id in self._going:
            return None
        return await asyncio.to_thread(_read, self.directory / upload_id)

    async def belongs(self, upload_id: str, owner: str | None) -> bool:
        upload = await self.get(upload_id)
        return upload is not None and owner in (None, upload.owner)

    async def remove(self, upload_id: str) -> None:
        """Forgets an upload; nothing happens where there is none. What can't be removed is left for `expire`."""
        if is_uuid(upload_id):
            self._going.add(upload_id)
            try:
                await asyncio.to_thread(_remove, self.directory / upload_id)
            except OSError as error:
                log.warning("upload could not be removed", upload=upload_id, why=str(error))
            finally:
                self._going.discard(upload_id)

    async def expire(self, created_before: int, in_use: Callable[[str], bool]) -> Sequence[Upload]:
        """Forgets uploads that arrived before a time, unless `in_use` (asked on the event loop); tells which."""
        forgotten = []
        for upload in await asyncio.to_thread(self._all):
            if upload.created_at < created_before and not in_use(upload.id):
                await self.remove(upload.id)
                forgotten.append(upload)
        return forgotten

    def _all(self) -> Sequence[Upload]:
        read = (_read(file) for file in self.directory.iterdir() if is_uuid(file.name))
        return [upload for upload in read if upload is not None]

    async def sweep(self) -> None:
        """Removes what a crash left half done. Call before uploads are received."""
        await asyncio.to_thread(self._sweep)

    def _sweep(self) -> None:
        for file in self.directory.iterdir():
            upload_id = file.name.partition(".")[0]
            whole = file.name in {upload_id, f"{upload_id}.json"} and _read(self.directory / upload_id) is not None
            if is_uuid(upload_id) and not whole:
                file.unlink(missing_ok=True)


class Sink:
    """An upload under way, made by `UploadDirectory.receive`.

    Its own thread does all that it does, in order; so even after a cancellation in the middle of a write the file is
    taken away only when that write has ended.
    """

    def __init__(self, path: Path, max_bytes: int) -> None:
        self.size = 0
        """Bytes taken in so far."""
        self._path = path
        self._max_bytes = max_bytes
        self._gathered: list[bytes] = []
        self._gathered_bytes = 0
        self._thread = ThreadPoolExecutor(1, "upload")
        self._file: BinaryIO | None = None

    async def open(self) -> None:
        await self._do(self._open)

    async def write(self, chunk: bytes) -> None:
        """Appends. Raises as `UploadDirectory.receive` says."""
        self.size += len(chunk)
        if self.size > self._max_bytes:
            raise BodyTooLargeError(f"An upload may have at most {self._max_bytes} bytes. Nothing was kept.")
        self._gathered.append(chunk)
        self._gathered_bytes += len(chunk)
        if self._gathered_bytes >= GATHERED_BYTES:
            gathered, self._gathered, self._gathered_bytes = self._gathered, [], 0
            await self._do(self._write, gathered)

    async def keep(self, upload: Upload) -> None:
        """Makes it an upload that is on disk."""
        await self._do(self._write, self._gathered)
        await self._do(self._keep, upload)
        self._thread.shutdown(wait=False)

    async def discard(self) -> None:
        """Takes away what there is of it, also where whoever waits for that is cancelled."""
        gone = self._thread.submit(self._discard)
        self._thread.shutdown(wait=False)
        await asyncio.shield(asyncio.wrap_future(gone))

    async def _do(self, step: Callable[..., None], *arguments: object) -> None:
        with _told():
            await asyncio.get_running_loop().run_in_executor(self._thread, step, *arguments)

    def _open(self) -> None:
        self._file = os.fdopen(os.open(_part(self._path), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")

    def _write(self, chunks: Sequence[bytes]) -> None:
        assert self._file is not None  # noqa: S101  # `open` comes first
        self._file.writelines(chunks)

    def _keep(self, upload: Upload) -> None:
        assert self._file is not None  # noqa: S101  # `open` comes first
        _close_synced(self._file)
        note = os.fdopen(os.open(_note(self._path), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb")
        facts = asdict(upload)
        del facts["id"]
        note.write(json.dumps(facts).encode())
        _close_synced(note)
        _part(self._path).rename(self._path)
        sync_directory(self._path.parent)

    def _discard(self) -> None:
        if self._file is not None:
            with contextlib.suppress(OSError):  # what could not be written can't be flushed either
                self._file.close()
        with contextlib.suppress(OSError):  # the directory is gone or read-only; the next start sweeps it
            _part(self._path).unlink(missing_ok=True)
            _remove(self._path)


def _part(path: Path) -> Path:
    return path.with_name(path.name + ".part")


def _note(path: Path) -> Path:
    return path.with_name(path.name + ".json")


def _read(path: Path) -> Upload | None:
    """None unless both files are there and agree."""
    with _told():
        try:
            note, size = _note(path).read_bytes(), path.stat().st_size
        except FileNotFoundError:
            return None
    try:
        upload = Upload(id=path.name, **json.loads(note))
    except (ValueError, TypeError):
        return None
    return upload if upload.size == size else None


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)
    _note(path).unlink(missing_ok=True)


def _close_synced(file: BinaryIO) -> None:
    with file:
        file.flush()
        os.fsync(file.fileno())


@contextlib.contextmanager
def _told() -> Iterator[None]:
    """Tells the system's errors as ours."""
    try:
        yield
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise StorageFullError("The disk that holds the uploads is full. Nothing was kept.") from error
        raise StorageFailedError(f"The spool of uploads failed: {error.strerror}.") from error
