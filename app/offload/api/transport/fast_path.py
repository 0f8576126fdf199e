"""The short way from a request to an answer, for the two calls that matter most: submit and poll.

    there as a whole, and plain ──► arguments ──► endpoint ──► one write      the short way: no other middleware
    anything else ──► every middleware ──► router ──► arguments ──► endpoint  the long way: the same route

FastAPI describes a lean route as any other; only the gathering of the endpoint's arguments, which costs FastAPI more
than all the rest of such a request (8 k against 22 k requests a second), is done by a plain function of the route. On
the short way it is found by a look into a dict, and its answer goes out as bytes that are ready.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Protocol

from fastapi import Request
from fastapi.routing import APIRoute
from opentelemetry import trace
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from offload.api.contract.problems import problem_response
from offload.api.state import AppState
from offload.api.transport import authentication as gate
from offload.api.transport.interrupted import stopped_midway
from offload.api.transport.security_headers import SAFE_HEADERS, SafeHeaders
from offload.errors import ProblemError
from offload.jobs.caller import Caller

Header = tuple[bytes, bytes]
"""A lower-case name and a value, as ASGI has them."""

EXCHANGE = "offload.exchange"
"""Where the server puts a request's `Exchange` in its scope, if it has such a thing: `connection.py` does."""


TELEMETRY = "fastapi.telemetry"
"""Where FastAPI has what it knows of a request that it traces; missing, or None, where it traces none."""


class Exchange(Protocol):
    """One request and its answer, as the server holds them."""

    def body(self) -> bytes | None:
        """The request's body; None where some of it is still to come."""
        ...

    def answer(self, head: bytes, body: bytes) -> bool:
        """Sends a whole answer: status line and headers, each ended by its CRLF, and the body.

        False where that can't be done at once; nothing has been sent then.
        """
        ...


@dataclass(slots=True)
class Asked:
    """A request, as far as the arguments of a lean route are made of it."""

    state: AppState
    caller: Caller
    headers: Mapping[bytes, bytes]
    query: bytes
    body: bytes
    last: str
    """The last part of the path."""

    def text(self, name: bytes) -> str | None:
        """A header's value."""
        value = self.headers.get(name)
        return None if value is None else value.decode("latin-1")


class LeanRoute(APIRoute):
    """A FastAPI route whose endpoint is called with what `arguments` makes of the request."""

    def __init__(
        self,
        path: str,
        endpoint: Callable[..., Awaitable[Response]],
        *,
        arguments: Callable[[Asked], Mapping[str, object]],
        read: Callable[[Request], Awaitable[bytes]] | None = None,
        **description: Any,  # whatever APIRoute takes
    ) -> None:
        """`read` reads the body and refuses what is none of JSON, where the route takes a body."""
        super().__init__(path, endpoint, **description)
        self.takes_body = read is not None

        async def answer(asked: Asked) -> Response:
            return await endpoint(**arguments(asked))

        async def answer_the_long_way(scope: Scope, receive: Receive, send: Send) -> None:
            body = await read(Request(scope, receive, send)) if read else b""
            headers = _joined(scope["headers"])
            response = await answer(_asked(scope, headers, body, scope["path"].rpartition("/")[2]))
            await response(scope, receive, send)

        self.answer = answer
        self.app = answer_the_long_way


class ShortWay:
    """Middleware, outside of all others: answers for lean routes what is there as a whole, and plain.

    Plain is a request that has no header twice, whose caller is let in, and whose body is JSON by its type and small
    enough. A lean route's path is plain text but for a last part that may be a parameter.
    """

    def __init__(self, app: ASGIApp, routes: Iterable[LeanRoute], max_body_bytes: int) -> None:
        self._app = app
        self._max_body_bytes = max_body_bytes
        self._whole: dict[tuple[str, str], LeanRoute] = {}
        self._but_last: dict[tuple[str, str], LeanRoute] = {}
        for route in routes:
            before, _, last = route.path.rpartition("/")
            for method in route.methods or ():
                if last.startswith("{"):
                    self._but_last[method, before] = route
                else:
                    self._whole[method, route.path] = route

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        exchange: Exchange | None = scope.pop(EXCHANGE, None)
        found = self._find(scope, exchange) if exchange is not None else None
        if exchange is None or found is None:
            await self._app(scope, receive, send)
            return
        route, asked = found
        traced = scope.get(TELEMETRY) is not None
        if traced:
            _name_span(route, scope["method"])
        try:
            response = await route.answer(asked)
        except ProblemError as error:
            response = problem_response(Request(scope), error)
        except asyncio.CancelledError:
            response = stopped_midway(scope)
        # FastAPI sees the end of a request that it traces by what passes through `send`.
        if traced or not (isinstance(response, ReadyResponse) and exchange.answer(response.head(), response.body)):
            await SafeHeaders(response)(scope, receive, send)

    def _find(self, scope: Scope, exchange: Exchange) -> tuple[LeanRoute, Asked] | None:
        """The lean route that is asked, and with what; None for whatever else."""
        method, path = scope["method"], scope["path"]
        before, _, last = path.rpartition("/")
        route = self._whole.get((method, path)) or self._but_last.get((method, before))
        if route is None or not last:
            return None
        headers = dict(scope["headers"])
        body = exchange.body()
        if len(headers) < len(scope["headers"]) or body is None:
            return None
        if route.takes_body:
            plain = headers.get(b"content-type") == b"application/json" and b"content-encoding" not in headers
            if not plain or not 0 < len(body) <= self._max_body_bytes:
                return None
        elif body:
            return None
        try:
            scope["caller"] = gate.caller(scope)
        except ProblemError:  # which is told on the long way
            return None
        return route, _asked(scope, headers, body, last)


class ReadyResponse(Response):
    """A response whose body and headers are bytes already."""

    body: bytes

    def __init__(self, status: int, body: bytes, *headers: Header) -> None:
        self.status_code = status
        self.body = body
        self.background = None
        # A 304 has no body, and its length would be that of the body it spares.
        self.raw_headers = [*headers] if status == 304 else [*headers, (b"content-length", b"%d" % len(body))]

    def head(self) -> bytes:
        """Status line and headers, with those that every answer has."""
        headers = [b"%s: %s\r\n" % header for header in self.raw_headers]
        return b"".join((_STATUS_LINES[self.status_code], *headers, _SAFE_LINES))


_STATUS_LINES = {status.value: b"HTTP/1.1 %d %s\r\n" % (status, status.phrase.encode()) for status in HTTPStatus}
_SAFE_LINES = b"".join(b"%s: %s\r\n" % header for header in SAFE_HEADERS)


def _name_span(route: LeanRoute, method: str) -> None:
    """Names the request's span as FastAPI's router does, which has no part in it."""
    span = trace.get_current_span()
    span.set_attribute("http.route", route.path_format)
    span.update_name(f"{method} {route.path_format}")


def _asked(scope: Scope, headers: Mapping[bytes, bytes], body: bytes, last: str) -> Asked:
    return Asked(scope["state"]["offload"], scope["caller"], headers, scope["query_string"], body, last)


def _joined(headers: Iterable[Header]) -> Mapping[bytes, bytes]:
    """Headers by name; one that came more than once as RFC 9110, 5.3 reads it."""
    joined: dict[bytes, bytes] = {}
    for name, value in headers:
        joined[name] = joined[name] + b", " + value if name in joined else value
    return joined
