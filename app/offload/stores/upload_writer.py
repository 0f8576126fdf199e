"""Writes one upload to disk while it arrives."""

import asyncio
import contextlib
import errno
import json
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import BinaryIO

from offload.errors import BodyTooLargeError
from offload.jobs.model import Upload
from offload.stores.directories import sync_directory
from offload.stores.reserve import SIZE, free_bytes
from offload.stores.upload_files import metadata_file, partial_file, remove_upload, storage_errors

BUFFER_BYTES = 512 * 1024
"""Chunks are collected up to this size before they are written: twice as fast as writing each 64 KiB separately."""


class UploadWriter:
    """An upload in progress, created by `UploadDirectory.receive`.

    A thread of its own executes all file operations in order. So even if a write is cancelled, the file is only removed
    after that write has ended.
    """

    def __init__(self, path: Path, max_bytes: int) -> None:
        self.size = 0
        """Bytes received so far."""
        self._path = path
        self._max_bytes = max_bytes
        self._buffer: list[bytes] = []
        self._buffered_bytes = 0
        self._thread = ThreadPoolExecutor(1, "upload")
        self._file: BinaryIO | None = None

    async def open(self) -> None:
        await self._run(self._open)

    async def write(self, chunk: bytes) -> None:
        """Appends a chunk. Raises the errors of `UploadDirectory.receive`."""
        self.size += len(chunk)
        if self.size > self._max_bytes:
            raise BodyTooLargeError(f"An upload may have at most {self._max_bytes} bytes. Nothing was kept.")
        self._buffer.append(chunk)
        self._buffered_bytes += len(chunk)
        if self._buffered_bytes >= BUFFER_BYTES:
            buffer, self._buffer, self._buffered_bytes = self._buffer, [], 0
            await self._run(self._write, buffer)

    async def keep(self, upload: Upload) -> None:
        """Returns when the upload is complete and on disk."""
        await self._run(self._write, self._buffer)
        await self._run(self._keep, upload)
        self._thread.shutdown(wait=False)

    async def discard(self) -> None:
        """Removes the files, even if the caller is cancelled while it waits for that."""
        try:
            discarded = self._thread.submit(self._discard)
        except RuntimeError:  # its thread could not be started, so there are no files
            return
        finally:
            self._thread.shutdown(wait=False)
        await asyncio.shield(asyncio.wrap_future(discarded))

    async def _run(self, step: Callable[..., None], *arguments: object) -> None:
        with storage_errors():
            await asyncio.get_running_loop().run_in_executor(self._thread, step, *arguments)

    def _open(self) -> None:
        self._file = os.fdopen(os.open(partial_file(self._path), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")

    def _write(self, chunks: Sequence[bytes]) -> None:
        assert self._file is not None  # noqa: S101  # `open` has been called
        if free_bytes(self._path.parent) < SIZE:  # it would use up what a full disk leaves for deletions
            raise OSError(errno.ENOSPC, "less than the reserve is free")
        self._file.writelines(chunks)

    def _keep(self, upload: Upload) -> None:
        assert self._file is not None  # noqa: S101  # `open` has been called
        _sync_and_close(self._file)
        metadata = os.fdopen(os.open(metadata_file(self._path), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb")
        facts = asdict(upload)
        del facts["id"]
        metadata.write(json.dumps(facts).encode())
        _sync_and_close(metadata)
        partial_file(self._path).rename(self._path)
        sync_directory(self._path.parent)

    def _discard(self) -> None:
        if self._file is not None:
            with contextlib.suppress(OSError):  # data that could not be written can't be flushed either
                self._file.close()
        with contextlib.suppress(OSError):  # the directory is missing or read-only; the next start removes the rest
            partial_file(self._path).unlink(missing_ok=True)
            remove_upload(self._path)


def _sync_and_close(file: BinaryIO) -> None:
    with file:
        file.flush()
        os.fsync(file.fileno())
