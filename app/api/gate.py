"""Lets in who has a key, before anything else looks at a request: a route can't be forgotten, and no body is read."""

from fastapi import Request
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from app.api.problems import problem_response
from app.errors import UnauthorizedError
from app.jobs.caller import ANYBODY, Caller
from app.keyring import Keyring

OPEN = frozenset({"/", "/docs", "/openapi.json", "/problems"})
OPEN_BELOW = ("/docs/", "/problems/", "/health/")

SMALL_BYTES = 64 * 1024
"""A refused body of this size is dropped as it comes, so that its client sees the answer. A larger is cut off."""


def is_open(path: str) -> bool:
    """True for what anybody may ask for: health, the documentation and the pages of problems."""
    return path in OPEN or path.startswith(OPEN_BELOW)


class Gate:
    """Answers 401 where the service has keys and the request has none of them. Else notes who calls, for
    `state.who_calls`.

    Behind an open path nobody is noted: a route there that asks for its caller fails.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not is_open(scope["path"]):
            keyring: Keyring = scope["state"]["offload"].keyring
            caller = _caller(keyring, Headers(scope=scope)) if len(keyring) else ANYBODY
            if caller is None:
                await problem_response(Request(scope), _refusal(Headers(scope=scope)))(scope, receive, send)
                return
            scope["caller"] = caller
        await self._app(scope, receive, send)


def _caller(keyring: Keyring, headers: Headers) -> Caller | None:
    scheme, _, sent = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer":  # a proxy's own credentials, for instance
        sent = headers.get("x-api-key", "")
    key = keyring.find(sent.strip().encode("latin-1"))
    return None if key is None else Caller(key.name, key.admin)


def _refusal(headers: Headers) -> UnauthorizedError:
    length = headers.get("content-length", "0")
    small = length.isdecimal() and int(length) <= SMALL_BYTES and "transfer-encoding" not in headers
    return UnauthorizedError(
        "Send a key of this service: Authorization: Bearer KEY, or X-API-Key: KEY.",
        headers={"WWW-Authenticate": "Bearer"} | ({} if small else {"Connection": "close"}),
    )
