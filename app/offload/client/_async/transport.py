"""Sends requests with httpx: retries them where that is safe, and turns httpx's errors into the client's."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import httpx

from offload.client import responses
from offload.client.address import Address
from offload.client.errors import RefusedError, UnreachableError, UnsendableError
from offload.client.request import Request
from offload.client.retries import Retries, RetryPolicy

T = TypeVar("T")

NEVER_RECEIVED = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
)
"""Errors after which the service can't have received the request."""


class AsyncTransport:
    """The connections to one service."""

    def __init__(self, address: Address, *, timeout_s: float, policy: RetryPolicy) -> None:
        self.url = address.shown
        self.timeout_s = timeout_s
        self._policy = policy
        self._reached = False
        """The service has responded once."""
        self._http = httpx.AsyncClient(
            base_url=address.url,
            headers=address.headers,
            trust_env=address.trust_env,
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=20),  # one for each concurrent request
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def send(self, request: Request[T], *, deadline: float | None = None, timeout_s: float | None = None) -> T:
        """Return the value of the response. Temporary errors are retried.

        `timeout_s` is how long each part of the response may take, by default the client's timeout. Raises
        `RefusedError`, `UnreachableError`, `NotOffloadError`, and `TimeoutError` where `deadline`, on the monotonic
        clock, comes first.
        """
        retries = self.retries(deadline)
        maybe_done = False
        while True:
            try:
                async with self.stream(request, timeout_s=timeout_s) as response:
                    await _read_body(response)
                if request.deletes and maybe_done and response.status_code == 404:
                    return request.read(response)  # an earlier try has deleted it
                return self.read(request, response)
            except (RefusedError, UnreachableError) as error:
                never_received = isinstance(error, UnreachableError) and not error.maybe_received
                if not (request.repeatable or never_received):
                    raise
                maybe_done = maybe_done or (isinstance(error, UnreachableError) and error.maybe_received)
                await self.back_off(retries, error)

    def read(self, request: Request[T], response: httpx.Response) -> T:
        """Return the value of a response whose body was read. Raises `RefusedError` and `NotOffloadError`."""
        self._check(response)
        with responses.reading_from(self.url, status=response.status_code):
            return request.read(response)

    def _check(self, response: httpx.Response) -> None:
        self._reached = self._reached or response.status_code < 500
        if response.status_code >= 300:
            with responses.reading_from(self.url, status=response.status_code):
                problem = responses.problem(response)
            raise problem

    @asynccontextmanager
    async def stream(self, request: Request[Any], *, timeout_s: float | None = None) -> AsyncIterator[httpx.Response]:
        """Yield the response before its body is read. Nothing is retried.

        Raises `UnreachableError` where the connection fails, also later in the `with` block.
        """
        try:
            response = await self._http.send(self._build(request, timeout_s), stream=True)
            try:
                yield response
            finally:
                await response.aclose()
        except httpx.LocalProtocolError as error:  # the request is not valid HTTP: a header, for instance
            raise UnsendableError(str(error)) from error
        except httpx.RequestError as error:
            timed_out = isinstance(error, httpx.TimeoutException)
            why = "no response in time" if timed_out else str(error) or type(error).__name__
            received = not isinstance(error, NEVER_RECEIVED)
            raise UnreachableError(self.url, why, maybe_received=received, timed_out=timed_out) from error

    async def raise_for_problem(self, response: httpx.Response) -> None:
        """Raise `RefusedError` or `NotOffloadError` for a response of `stream` that is not a success."""
        if response.status_code >= 300:
            await _read_body(response)
        self._check(response)

    def retries(self, deadline: float | None = None) -> Retries:
        """Return the retries of one operation. `deadline` is on the monotonic clock."""
        return Retries(self._policy, deadline)

    async def back_off(self, retries: Retries, error: RefusedError | UnreachableError) -> None:
        """Sleep before the next try. Raises what `Retries.delay_after` raises."""
        await asyncio.sleep(retries.delay_after(error, reached=self._reached))

    def _build(self, request: Request[Any], timeout_s: float | None) -> httpx.Request:
        timeout_s = self.timeout_s if timeout_s is None else timeout_s
        content = request.content
        try:
            return self._http.build_request(
                request.method,
                request.path,
                params=list(request.query) or None,
                headers=list(request.headers),
                content=content if content is None or isinstance(content, bytes) else _iterate(content.chunks()),
                timeout=httpx.Timeout(timeout_s, read=timeout_s + request.wait_s),
            )
        except UnicodeEncodeError as error:
            raise UnsendableError(f"{error.object!r} ({error.reason})") from None


async def _iterate(chunks: Iterator[bytes]) -> AsyncGenerator[bytes]:
    for chunk in chunks:  # from local files: a chunk is read in less than a millisecond
        yield chunk


async def _read_body(response: httpx.Response) -> None:
    """Read the body, unless it is of a kind that may never end."""
    if responses.may_be_read(response):
        await response.aread()
