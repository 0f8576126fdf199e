"""A fast path from request to response, for the two most frequent calls: submit and poll.

    complete and simple ──► arguments ──► endpoint ──► one write                  fast path: no other middleware
    anything else ──► all middleware ──► router ──► arguments ──► endpoint        normal path: the same route

FastAPI documents a fast route like any other. Only its dependency solving, which costs more than all the rest of such a
request (8,000 against 22,000 requests a second), is replaced by a plain function of the route. On the fast path the
route is found by a dictionary lookup, and the response is written as bytes.
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

from offload.api.contract.addresses import route_path
from offload.api.contract.problems import problem_response
from offload.api.state import AppState
from offload.api.transport import authentication
from offload.api.transport.interrupted import interrupted_response
from offload.api.transport.request_body import BYTE_ORDER_MARK
from offload.api.transport.security_headers import SECURITY_HEADERS, SecurityHeaders
from offload.errors import ProblemError
from offload.jobs.caller import Caller

Header = tuple[bytes, bytes]
"""A lower-case name and a value, as in ASGI."""

EXCHANGE = "offload.exchange"
"""The key in a request's scope under which `connection.py` puts its `Exchange`."""


TELEMETRY = "fastapi.telemetry"
"""The key in a request's scope under which FastAPI keeps its trace; missing or None where nothing is traced."""


class Exchange(Protocol):
    """One request and its response, at the level of the connection."""

    def body(self) -> bytes | None:
        """Returns the request's body; None while part of it is missing."""
        ...

    def respond(self, head: bytes, body: bytes) -> bool:
        """Writes a complete response: status line and headers, each with its CRLF, and the body.

        Returns False, with nothing written, where that would have to wait.
        """
        ...


@dataclass(slots=True)
class FastRequest:
    """What a fast route needs of a request for the arguments of its endpoint."""

    state: AppState
    caller: Caller
    headers: Mapping[bytes, bytes]
    query: bytes
    body: bytes
    last: str
    """The last segment of the path."""

    def text(self, name: bytes) -> str | None:
        """Returns the value of a header; None without one."""
        value = self.headers.get(name)
        return None if value is None else value.decode("latin-1")


class FastRoute(APIRoute):
    """A FastAPI route whose endpoint gets its arguments from the function `arguments`."""

    def __init__(
        self,
        path: str,
        endpoint: Callable[..., Awaitable[Response]],
        *,
        arguments: Callable[[FastRequest], Mapping[str, object]],
        read: Callable[[Request], Awaitable[bytes]] | None = None,
        **description: Any,  # the parameters of APIRoute
    ) -> None:
        """`read` reads the body and rejects what is not JSON; None for a route without a body."""
        super().__init__(path, endpoint, **description)
        self.takes_body = read is not None

        async def respond(request: FastRequest) -> Response:
            return await endpoint(**arguments(request))

        async def normal_path(scope: Scope, receive: Receive, send: Send) -> None:
            body = await read(Request(scope, receive, send)) if read else b""
            headers = _joined(scope["headers"])
            response = await respond(_fast_request(scope, headers, body, scope["path"].rpartition("/")[2]))
            await response(scope, receive, send)

        self.respond = respond
        self.app = normal_path


class FastPath:
    """The outermost middleware: responds to complete, simple requests for fast routes.

    A request is simple where no header is repeated, the caller is authenticated, and the body is JSON by its
    Content-Type and within the limit. The path of a fast route is fixed except for its last segment, which may be a
    parameter.
    """

    def __init__(self, app: ASGIApp, routes: Iterable[FastRoute], max_body_bytes: int) -> None:
        self._app = app
        self._max_body_bytes = max_body_bytes
        self._by_path: dict[tuple[str, str], FastRoute] = {}
        self._by_prefix: dict[tuple[str, str], FastRoute] = {}
        for route in routes:
            before, _, last = route.path.rpartition("/")
            for method in route.methods or ():
                if last.startswith("{"):
                    self._by_prefix[method, before] = route
                else:
                    self._by_path[method, route.path] = route

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        exchange: Exchange | None = scope.pop(EXCHANGE, None)
        found = self._find(scope, exchange) if exchange is not None else None
        if exchange is None or found is None:
            await self._app(scope, receive, send)
            return
        route, request = found
        traced = scope.get(TELEMETRY) is not None
        if traced:
            _name_span(route, scope["method"])
        try:
            response = await route.respond(request)
        except ProblemError as error:
            response = problem_response(Request(scope), error)
        except asyncio.CancelledError:
            response = interrupted_response(scope)
        # FastAPI recognizes the end of a traced request by the messages that pass through `send`.
        if traced or not (isinstance(response, BytesResponse) and exchange.respond(response.head(), response.body)):
            await SecurityHeaders(response)(scope, receive, send)

    def _find(self, scope: Scope, exchange: Exchange) -> tuple[FastRoute, FastRequest] | None:
        """Returns the fast route for a simple request; None for any other request."""
        method, path = scope["method"], route_path(scope)
        before, _, last = path.rpartition("/")
        route = self._by_path.get((method, path)) or self._by_prefix.get((method, before))
        if route is None or not last:
            return None
        headers = dict(scope["headers"])
        body = exchange.body()
        if len(headers) < len(scope["headers"]) or body is None:
            return None
        if route.takes_body:
            is_json = headers.get(b"content-type") == b"application/json" and b"content-encoding" not in headers
            if not is_json or not 0 < len(body) <= self._max_body_bytes or body.startswith(BYTE_ORDER_MARK):
                return None
        elif body:
            return None
        try:
            scope["caller"] = authentication.caller(scope)
        except ProblemError:  # the normal path responds with it
            return None
        return route, _fast_request(scope, headers, body, last)


class BytesResponse(Response):
    """A response whose head and body are bytes already."""

    body: bytes

    def __init__(self, status: int, body: bytes, *headers: Header) -> None:
        self.status_code = status
        self.body = body
        self.background = None
        # A 304 has no body; a length would have to be that of the body that is not sent.
        self.raw_headers = [*headers] if status == 304 else [*headers, (b"content-length", b"%d" % len(body))]

    def head(self) -> bytes:
        """Returns the status line and headers, including the security headers."""
        headers = [b"%s: %s\r\n" % header for header in self.raw_headers]
        return b"".join((_STATUS_LINES[self.status_code], *headers, _SECURITY_LINES))


_STATUS_LINES = {status.value: b"HTTP/1.1 %d %s\r\n" % (status, status.phrase.encode()) for status in HTTPStatus}
_SECURITY_LINES = b"".join(b"%s: %s\r\n" % header for header in SECURITY_HEADERS)


def _name_span(route: FastRoute, method: str) -> None:
    """Names the request's span as FastAPI's router would: the fast path bypasses it."""
    span = trace.get_current_span()
    span.set_attribute("http.route", route.path_format)
    span.update_name(f"{method} {route.path_format}")


def _fast_request(scope: Scope, headers: Mapping[bytes, bytes], body: bytes, last: str) -> FastRequest:
    return FastRequest(scope["state"]["offload"], scope["caller"], headers, scope["query_string"], body, last)


def _joined(headers: Iterable[Header]) -> Mapping[bytes, bytes]:
    """Returns headers by name; repeated ones are joined by commas (RFC 9110, 5.3)."""
    joined: dict[bytes, bytes] = {}
    for name, value in headers:
        joined[name] = joined[name] + b", " + value if name in joined else value
    return joined
