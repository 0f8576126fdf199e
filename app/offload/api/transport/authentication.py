"""Lets in who has a key, before anything else looks at a request: a route can't be forgotten, and no body is read."""

import structlog
from fastapi import Request
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from offload.api.contract.problems import problem_response
from offload.api.state import AppState
from offload.api.transport.cross_site import foreign
from offload.errors import CrossSiteRefusedError, UnauthorizedError
from offload.jobs.caller import ANONYMOUS, Caller
from offload.server.keyring import Keyring

OPEN = frozenset({"/", "/docs", "/openapi.json", "/problems"})
OPEN_BELOW = ("/page/", "/docs/", "/problems/", "/health/")

log = structlog.get_logger()


def is_open(path: str) -> bool:
    """True for what anybody may ask for: health, the page's own files, the documentation and the pages of problems."""
    return path in OPEN or path.startswith(OPEN_BELOW)


class Gate:
    """Answers 401 where the service has keys and the request has none of them, and 403 where it has no keys and the
    request comes from another site's page. Else notes who calls, for `state.who_calls`.

    Behind an open path nobody is noted: a route there that asks for its caller fails.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not is_open(scope["path"]):
            try:
                scope["caller"] = caller(scope)
            except (CrossSiteRefusedError, UnauthorizedError) as error:
                client, why = (scope.get("client") or ("?",))[0], error.detail
                log.warning("request refused", client=client, path=scope["path"][:200], why=why)
                await problem_response(Request(scope), error)(scope, receive, send)
                return
        await self._app(scope, receive, send)


def caller(scope: Scope) -> Caller:
    """Who calls. Raises `UnauthorizedError` and `CrossSiteRefusedError`."""
    state: AppState = scope["state"]["offload"]
    if not len(state.keyring):
        if why := foreign(scope["method"], scope["headers"], state.settings.known_hosts):
            raise CrossSiteRefusedError(why)
        return ANONYMOUS
    if (owner := _owner(state.keyring, Headers(scope=scope))) is None:
        raise UnauthorizedError(
            "Send a key of this service: Authorization: Bearer KEY, or X-API-Key: KEY.",
            headers={"WWW-Authenticate": "Bearer"},
        )
    return owner


def _owner(keyring: Keyring, headers: Headers) -> Caller | None:
    scheme, _, sent = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer":  # a proxy's own credentials, for instance
        sent = headers.get("x-api-key", "")
    key = keyring.find(sent.strip().encode("latin-1"))
    return None if key is None else Caller(key.name, key.admin, key.digest)
