"""The body of an upload on its way in."""

import asyncio
from collections.abc import AsyncIterator

from fastapi import Request

from app.api.bodies import announces_more, next_chunk, too_slow
from app.api.digests import BodyDigests
from app.errors import BodyTooLargeError


class Incoming:
    """A request's body as it arrives: bounded in size, and in the time that passes without a byte."""

    def __init__(self, request: Request, *, max_bytes: int, idle_s: float) -> None:
        """Raises `BodyTooLargeError` at once where the headers tell: before a client that asked is told to go on.

        Raises `InvalidParametersError` where the digests in the headers can't be read.
        """
        self._request = request
        self._max_bytes = max_bytes
        self._idle_s = idle_s
        self._digests = BodyDigests(request.headers)
        if announces_more(request, max_bytes):
            raise self._too_large()

    async def chunks(self) -> AsyncIterator[bytes]:
        """The body, in the pieces in which it comes."""
        size, more = 0, True
        while more:
            try:
                async with asyncio.timeout(self._idle_s):
                    chunk, more = await next_chunk(self._request)
            except TimeoutError:
                raise too_slow(f"No byte has come for {self._idle_s:g} s. Nothing was kept.") from None
            size += len(chunk)
            if size > self._max_bytes:
                raise self._too_large()
            self._digests.update(chunk)
            yield chunk

    def verify(self) -> None:
        """Raises `DigestMismatchError` where the body is not what its headers say."""
        self._digests.verify()

    def _too_large(self) -> BodyTooLargeError:
        return BodyTooLargeError(f"The body may have at most {self._max_bytes} bytes. Nothing was kept.")
