"""Serves the API below a path: mounted in another application, or behind a proxy that strips the path."""

import re
from urllib.parse import quote

from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from offload.api.contract.addresses import PREFIX
from offload.server.settings import ROOT_PATH

_ROOT_PATH = re.compile(ROOT_PATH.replace("+", "++"))  # never gives back: linear for any header


def _put_below(scope: Scope, prefix: str) -> None:
    """Puts a request below a prefix, as if the application were mounted there. It may have come with the prefix."""
    path: str = scope["path"]
    scope["root_path"], scope["path"] = prefix, path if path.startswith(f"{prefix}/") else prefix + path


class BelowPrefix:
    """Middleware: has responses show addresses below the request's `root_path`, by default that of the settings."""

    def __init__(self, app: ASGIApp, root_path: str) -> None:
        self._app = app
        self._root_path = root_path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._root_path and not scope.get("root_path") and scope["type"] == "http":
            _put_below(scope, self._root_path)
        if not (prefix := scope.get("root_path")):
            await self._app(scope, receive, send)
            return
        token = PREFIX.set(quote(prefix))
        try:
            await self._app(scope, receive, send)
        finally:
            PREFIX.reset(token)


class ProxyHeaders(ProxyHeadersMiddleware):
    """uvicorn's middleware for `X-Forwarded-For` and `X-Forwarded-Proto`, with `X-Forwarded-Prefix` as well.

    All three count only if the connection comes from a trusted address.
    """

    def __init__(self, app: ASGIApp, trusted_hosts: list[str] | str) -> None:
        super().__init__(app, trusted_hosts)  # type: ignore[arg-type]  # uvicorn has its own types for ASGI

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # type: ignore[override]  # as above
        if scope["type"] == "http" and (scope.get("client") or ("",))[0] in self.trusted_hosts:
            for name, value in scope["headers"]:
                if name == b"x-forwarded-prefix" and _ROOT_PATH.fullmatch(prefix := value.decode("latin-1")):
                    _put_below(scope, prefix)
        await super().__call__(scope, receive, send)  # type: ignore[arg-type]  # as above
