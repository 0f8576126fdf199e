"""The short way from a request to an answer, for the two calls that matter most: submit and poll.

FastAPI describes such a route as any other; only the gathering of the endpoint's arguments, which costs FastAPI more
than all the rest of such a request (8 k against 22 k requests a second), is done by a plain function of the route.
And it is found by a look into a dict, right behind the gate, before the router tries one route after the other.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

from fastapi import Request
from fastapi.routing import APIRoute
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from app.api.problems import problem_response
from app.errors import ProblemError

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


class ShortWay:
    """Middleware: answers for lean routes, whose paths are plain but for a last part that may be a parameter.

    What it does not find goes on to the router, which finds the same routes.
    """

    def __init__(self, app: ASGIApp, routes: Iterable[LeanRoute]) -> None:
        self._app = app
        self._whole: dict[tuple[str, str], ASGIApp] = {}
        self._but_last: dict[tuple[str, str], tuple[ASGIApp, str]] = {}
        for route in routes:
            before, _, last = route.path.rpartition("/")
            for method in route.methods or ():
                if last.startswith("{"):
                    self._but_last[method, before] = route.app, last.strip("{}")
                else:
                    self._whole[method, route.path] = route.app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        found = self._find(scope) if scope["type"] == "http" else None
        if found is None:
            await self._app(scope, receive, send)
            return
        try:
            await found(scope, receive, send)
        except ProblemError as error:
            await problem_response(Request(scope), error)(scope, receive, send)
        except ClientDisconnect:
            pass  # nobody is there to be told

    def _find(self, scope: Scope) -> ASGIApp | None:
        method, path = scope["method"], scope["path"]
        if route := self._whole.get((method, path)):
            return route
        before, _, last = path.rpartition("/")
        if not last or (found := self._but_last.get((method, before))) is None:
            return None
        route, parameter = found
        scope["path_params"] = {parameter: last}
        return route


class ReadyResponse(Response):
    """A response whose body and headers are bytes already."""

    def __init__(self, status: int, body: bytes, *headers: Header) -> None:
        self.status_code = status
        self.body = body
        self.background = None
        # A 304 has no body, and its length would be that of the body it spares.
        self.raw_headers = [*headers] if status == 304 else [*headers, (b"content-length", b"%d" % len(body))]
