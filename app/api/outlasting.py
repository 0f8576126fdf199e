"""Requests that outlast the service."""

import asyncio
from contextlib import suppress

from fastapi import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from app.api.problems import problem_response
from app.errors import StoppingError


class StoppedMidway:
    """Answers 503 to a request that the server cancels: its body was still coming when the service had to end.

    Nothing else cancels one. uvicorn would log a traceback, and answer 500 in plain text.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._app(scope, receive, send)
        except asyncio.CancelledError:
            if scope["type"] != "http":
                raise
            error = StoppingError(
                "The service stopped before this request was done; send it again when it is back.",
                retry_after=5,
                headers={"Connection": "close"},
            )
            with suppress(RuntimeError):  # an answer had begun, and ends here
                await problem_response(Request(scope), error)(scope, receive, send)
