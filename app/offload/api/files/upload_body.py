"""Reads the body of an upload, with limits of size and time."""

import asyncio
from collections.abc import AsyncIterator

from fastapi import Request

from offload.api.files.digest_headers import BodyDigests
from offload.api.transport.request_body import announces_too_much, next_chunk, reject_encoded
from offload.errors import BodyTooLargeError, UploadTooSlowError

LEAST_BYTES = 16 * 1024
"""The minimum for each `idle_s`, except the last: a client can't hold a connection by sending single bytes."""


class UploadBody:
    """The body of a request, whose size and whose time until the next bytes are limited."""

    def __init__(self, request: Request, *, max_bytes: int, idle_s: float) -> None:
        """Raises `BodyTooLargeError` if `Content-Length` is too large, before "100 Continue" is sent.

        Raises `UnsupportedMediaTypeError` for a compressed body, and `InvalidParametersError` for malformed digests in
        the headers.
        """
        self._request = request
        self._max_bytes = max_bytes
        self._idle_s = idle_s
        reject_encoded(request)
        self._digests = BodyDigests(request.headers)
        if announces_too_much(request, max_bytes):
            raise self._too_large()

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yields the body as it arrives."""
        clock = asyncio.get_running_loop().time
        deadline, least = clock() + self._idle_s, LEAST_BYTES
        size, more = 0, True
        while more:
            try:
                async with asyncio.timeout_at(deadline):
                    chunk, more = await next_chunk(self._request)
            except TimeoutError:
                missing = f"Less than {LEAST_BYTES} bytes arrived in {self._idle_s:g} s."
                raise UploadTooSlowError(f"{missing} Nothing was kept.") from None
            size += len(chunk)
            if size >= least:
                deadline, least = clock() + self._idle_s, size + LEAST_BYTES
            if size > self._max_bytes:
                raise self._too_large()
            self._digests.update(chunk)
            yield chunk

    def verify(self) -> None:
        """Raises `DigestMismatchError` if the body does not match the digests in its headers."""
        self._digests.verify()

    def _too_large(self) -> BodyTooLargeError:
        return BodyTooLargeError(f"The body may have at most {self._max_bytes} bytes. Nothing was kept.")
