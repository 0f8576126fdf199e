"""The body of an upload on its way in."""

import asyncio
from collections.abc import AsyncIterator

from fastapi import Request

from offload.api.files.content_digest import BodyDigests
from offload.api.transport.request_body import announces_too_much, next_chunk, reject_encoded
from offload.errors import BodyTooLargeError, UploadTooSlowError

LEAST_BYTES = 16 * 1024
"""What must come in each `idle_s`, unless it is the end: who sends a byte now and then would hold a place for ever."""


class Incoming:
    """A request's body as it arrives: bounded in size, and in the time that it may take for the next bytes."""

    def __init__(self, request: Request, *, max_bytes: int, idle_s: float) -> None:
        """Raises `BodyTooLargeError` at once where the headers tell: before a client that asked is told to go on.

        Raises `UnsupportedMediaTypeError` where the body is compressed, and `InvalidParametersError` where the digests
        in the headers can't be read.
        """
        self._request = request
        self._max_bytes = max_bytes
        self._idle_s = idle_s
        reject_encoded(request)
        self._digests = BodyDigests(request.headers)
        if announces_too_much(request, max_bytes):
            raise self._too_large()

    async def chunks(self) -> AsyncIterator[bytes]:
        """The body, in the pieces in which it comes."""
        clock = asyncio.get_running_loop().time
        deadline, least = clock() + self._idle_s, LEAST_BYTES
        size, more = 0, True
        while more:
            try:
                async with asyncio.timeout_at(deadline):
                    chunk, more = await next_chunk(self._request)
            except TimeoutError:
                missing = f"Less than {LEAST_BYTES} bytes have come in {self._idle_s:g} s."
                raise UploadTooSlowError(f"{missing} Nothing was kept.") from None
            size += len(chunk)
            if size >= least:
                deadline, least = clock() + self._idle_s, size + LEAST_BYTES
            if size > self._max_bytes:
                raise self._too_large()
            self._digests.update(chunk)
            yield chunk

    def verify(self) -> None:
        """Raises `DigestMismatchError` where the body is not what its headers say."""
        self._digests.verify()

    def _too_large(self) -> BodyTooLargeError:
        return BodyTooLargeError(f"The body may have at most {self._max_bytes} bytes. Nothing was kept.")
