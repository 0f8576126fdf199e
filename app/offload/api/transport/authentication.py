"""Checks API keys before routing: no route can be forgotten, and no body is read without a key."""

import structlog
from fastapi import Request
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from offload.api.contract.addresses import route_path
from offload.api.contract.problems import problem_response
from offload.api.state import AppState
from offload.api.transport.cross_site import rejection
from offload.errors import CrossSiteRefusedError, UnauthorizedError
from offload.jobs.caller import ANONYMOUS, Caller
from offload.server.keyring import Keyring

OPEN = frozenset({"/", "/docs", "/openapi.json", "/problems"})
OPEN_BELOW = ("/page/", "/docs/", "/problems/", "/health/")

log = structlog.get_logger()


def is_open(path: str) -> bool:
    """Returns True for paths that need no key: health, the page's files, documentation and problem pages."""
    return path in OPEN or path.startswith(OPEN_BELOW)


class Authentication:
    """Middleware: 401 where the service has keys and the request has none of them; 403 where it has no keys and the
    request comes from a page of another site. Otherwise it puts the caller into the scope, for `state.who_calls`.

    Open paths get no caller: a route there that asks for one fails.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not is_open(route_path(scope)):
            try:
                scope["caller"] = caller(scope)
            except (CrossSiteRefusedError, UnauthorizedError) as error:
                client, why = (scope.get("client") or ("?",))[0], error.detail
                log.warning("request rejected", client=client, path=scope["path"][:200], why=why)
                await problem_response(Request(scope), error)(scope, receive, send)
                return
        await self._app(scope, receive, send)


def caller(scope: Scope) -> Caller:
    """Returns the caller of a request. Raises `UnauthorizedError` and `CrossSiteRefusedError`."""
    state: AppState = scope["state"]["offload"]
    if not len(state.keyring):
        if why := rejection(scope["method"], scope["headers"], state.settings.known_hosts):
            raise CrossSiteRefusedError(why)
        return ANONYMOUS
    if (owner := _owner(state.keyring, Headers(scope=scope))) is None:
        raise UnauthorizedError(
            "Send an API key of this service: Authorization: Bearer KEY, or X-API-Key: KEY.",
            headers={"WWW-Authenticate": "Bearer"},
        )
    return owner


def _owner(keyring: Keyring, headers: Headers) -> Caller | None:
    scheme, _, sent = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer":  # for example the credentials of a proxy
        sent = headers.get("x-api-key", "")
    key = keyring.find(sent.strip().encode("latin-1"))
    return None if key is None else Caller(key.name, key.admin, key.digest)
