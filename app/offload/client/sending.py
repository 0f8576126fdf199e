"""Calls as httpx sends them, and what of its errors matters: the same for threads and for asyncio."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx

from offload.client.address import Address
from offload.client.call import Call
from offload.client.errors import UnsendableError
from offload.client.steps import LostError

NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol, httpx.ProxyError)


def timeout(call: Call[Any], within_s: float) -> httpx.Timeout:
    """How long each part of a call may take; its answer, as long as the service was asked to wait besides."""
    return httpx.Timeout(within_s, read=within_s + call.waits_s)


def limits() -> httpx.Limits:
    """Any number of connections: a client has as many as it has calls at a time."""
    return httpx.Limits(max_connections=None, max_keepalive_connections=20)


def options(address: Address, timeout_s: float) -> dict[str, Any]:
    """What both of httpx's clients are made with."""
    return {
        "base_url": address.url,
        "headers": address.headers,
        "trust_env": address.trust_env,
        "timeout": timeout_s,
        "limits": limits(),
        "follow_redirects": False,
    }


def request(http: httpx.Client | httpx.AsyncClient, call: Call[Any], within_s: float, *, content: Any) -> httpx.Request:
    """The request of a call, with this body. Raises `UnsendableError`."""
    try:
        return http.build_request(
            call.method,
            call.path,
            params=list(call.query) or None,
            headers=list(call.headers),
            content=content,
            timeout=timeout(call, within_s),
        )
    except UnicodeEncodeError as error:
        raise UnsendableError(f"{error.object!r} ({error.reason})") from None


def content(call: Call[Any]) -> bytes | Iterator[bytes] | None:
    """The body, for threads."""
    return call.body if call.body is None or isinstance(call.body, bytes) else call.body.chunks()


def async_content(call: Call[Any]) -> bytes | AsyncIterator[bytes] | None:
    """The body, for asyncio."""
    return call.body if call.body is None or isinstance(call.body, bytes) else _async(call.body.chunks())


async def _async(chunks: Iterator[bytes]) -> AsyncIterator[bytes]:
    for chunk in chunks:  # local files: a portion is read in less than a millisecond
        yield chunk


def lost(error: httpx.RequestError) -> LostError:
    """What of the error matters. Raises `UnsendableError` where the request was no HTTP: a header, for instance."""
    if isinstance(error, httpx.LocalProtocolError):
        raise UnsendableError(str(error)) from error
    why = str(error) or type(error).__name__
    if isinstance(error, httpx.TimeoutException):
        why = "no answer in time"
    return LostError(why, sent=not isinstance(error, NOT_SENT), timed_out=isinstance(error, httpx.TimeoutException))
