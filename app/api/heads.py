"""HEAD, for every path that has GET."""

from starlette.types import ASGIApp, Receive, Scope, Send


class HeadAsGet:
    """Answers HEAD as GET without its body, and without `Range`, which HEAD does not have (RFC 9110, 9.3.2 and 14.2).

    The server leaves the body out: it has seen the method before.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] == "HEAD":
            headers = [(name, value) for name, value in scope["headers"] if name != b"range"]
            scope = {**scope, "method": "GET", "headers": headers}
        await self._app(scope, receive, send)
