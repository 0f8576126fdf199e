"""The short way from a request to an answer, for the two calls that matter most: submit and poll.

FastAPI describes such a route as any other; only the gathering of the endpoint's arguments, which costs FastAPI more
than all the rest of such a request (8 k against 22 k requests a second), is done by a plain function of the route.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from fastapi import Request
from fastapi.routing import APIRoute
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

Header = tuple[bytes, bytes]
"""A lower-case name and a value, as ASGI has them."""


class LeanRoute(APIRoute):
    """A FastAPI route whose endpoint is called with what `gather` makes of the request."""

    def __init__(
        self,
        path: str,
        endpoint: Callable[..., Awaitable[Response]],
        *,
        gather: Callable[[Request], Awaitable[Mapping[str, object]]],
        **description: Any,  # whatever APIRoute takes
    ) -> None:
        super().__init__(path, endpoint, **description)

        async def answer(scope: Scope, receive: Receive, send: Send) -> None:
            response = await endpoint(**await gather(Request(scope, receive, send)))
            await response(scope, receive, send)

        self.app = answer


class ReadyResponse(Response):
    """A response whose body and headers are bytes already."""

    def __init__(self, status: int, body: bytes, *headers: Header) -> None:
        self.status_code = status
        self.body = body
        self.background = None
        # A 304 has no body, and its length would be that of the body it spares.
        self.raw_headers = [*headers] if status == 304 else [*headers, (b"content-length", b"%d" % len(body))]
