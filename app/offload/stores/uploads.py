"""The directory of uploaded files. Upload X is two files: `X`, its content, and `X.json`, its metadata.

    receive ──► X.part ──fsync──► X.json ──fsync──► rename X.part to X ──fsync of the directory──► it exists

An upload exists if both files exist and agree. The next start removes what a crash has left. The name that the client
gave is only in the metadata: file names consist of ids, which are UUIDs that the service makes. The directory is
private (0700).
"""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from pathlib import Path

import structlog

from offload import clock
from offload.jobs.model import Upload
from offload.stores.directories import private_directory
from offload.stores.upload_files import read_upload, remove_upload
from offload.stores.upload_writer import UploadWriter
from offload.tasks.context import is_uuid

log = structlog.get_logger()


class UploadDirectory:
    """Implements `jobs.interfaces.Uploads`. Text that is not an id never reaches the file system."""

    def __init__(self, directory: Path) -> None:
        """Creates the directory if it is missing. Raises `BootError` if that fails."""
        self.directory = private_directory(directory, holds="uploads")
        self._removing: set[str] = set()
        """Uploads that are being removed. They no longer exist for callers."""

    @contextlib.asynccontextmanager
    async def receive(
        self, upload_id: str, name: str, owner: str | None, max_bytes: int
    ) -> AsyncIterator[UploadWriter]:
        """Receives an upload. It is on disk after the context has ended; after an error nothing is left.

        Raises `BodyTooLargeError` beyond `max_bytes`, `StorageFullError`, and `StorageFailedError` for other faults.
        """
        if not is_uuid(upload_id):
            raise ValueError(f"{upload_id!r} is not an id")
        writer = UploadWriter(self.directory / upload_id, max_bytes)
        try:
            await writer.open()
            yield writer
            await writer.keep(Upload(id=upload_id, name=name, size=writer.size, owner=owner, created_at=clock.now()))
        except BaseException:
            await writer.discard()
            raise

    async def get(self, upload_id: str) -> Upload | None:
        """Returns the upload of any owner. None if it does not exist, for any text."""
        if not is_uuid(upload_id) or upload_id in self._removing:
            return None
        return await asyncio.to_thread(read_upload, self.directory / upload_id)

    async def belongs(self, upload_id: str, owner: str | None) -> bool:
        upload = await self.get(upload_id)
        return upload is not None and owner in (None, upload.owner)

    async def remove(self, upload_id: str) -> None:
        """Removes an upload if it exists. Files that can't be removed are left for `expire`."""
        if is_uuid(upload_id):
            self._removing.add(upload_id)
            try:
                await asyncio.to_thread(remove_upload, self.directory / upload_id)
            except OSError as error:
                log.warning("upload could not be removed", upload=upload_id, why=str(error))
            finally:
                self._removing.discard(upload_id)

    async def expire(self, created_before: int, in_use: Callable[[str], bool]) -> Sequence[Upload]:
        """Removes uploads that arrived before a time and are not `in_use`, and returns them.

        `in_use` is called on the event loop. Only uploads that will probably expire are opened: an id contains the time
        at which its upload began, which is before its arrival.
        """
        old = await asyncio.to_thread(self._begun_before, created_before)
        unused = [upload_id for upload_id in old if not in_use(upload_id)]
        expired = []
        for upload in await asyncio.to_thread(self._read, unused):
            # Asked again, since a job may have been submitted while the files were read.
            if upload.created_at < created_before and not in_use(upload.id):
                await self.remove(upload.id)
                expired.append(upload)
        return expired

    def _begun_before(self, time_us: int) -> Sequence[str]:
        return [name for name in self._names() if is_uuid(name) and _begun_at(name) < time_us]

    def _read(self, upload_ids: Iterable[str]) -> Sequence[Upload]:
        read = (read_upload(self.directory / upload_id) for upload_id in upload_ids)
        return [upload for upload in read if upload is not None]

    async def leftovers(self) -> Sequence[str]:
        """Removes files without their counterpart, and returns the ids of the others, for `sweep`.

        Opens no file, so the time of a start does not depend on the number of uploads. Call it before uploads are
        received.
        """
        return await asyncio.to_thread(self._leftovers)

    def _leftovers(self) -> Sequence[str]:
        names = self._names()
        pairs = []
        for name in names:
            upload_id, _, suffix = name.partition(".")
            if not is_uuid(upload_id):
                continue
            if suffix not in {"", "json"} or not {upload_id, f"{upload_id}.json"} <= names:
                (self.directory / name).unlink(missing_ok=True)
            elif not suffix:
                pairs.append(upload_id)
        return pairs

    async def sweep(self, upload_ids: Sequence[str]) -> None:
        """Removes those of `leftovers` that are damaged. Runs in the background of a running service."""
        for upload_id in await asyncio.to_thread(self._damaged, upload_ids):
            await self.remove(upload_id)

    def _names(self) -> set[str]:
        with os.scandir(self.directory) as entries:
            return {entry.name for entry in entries}

    def _damaged(self, upload_ids: Sequence[str]) -> Sequence[str]:
        return [upload_id for upload_id in upload_ids if read_upload(self.directory / upload_id) is None]


def _begun_at(upload_id: str) -> int:
    """Returns the time in a UUIDv7 (RFC 9562, 5.7), in microseconds since the epoch."""
    return int(upload_id[:8] + upload_id[9:13], 16) * 1000
