"""Requests that outlast the service."""

import asyncio

from fastapi import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from offload.api.contract.problems import problem_response
from offload.errors import StoppingError


class StoppedMidway:
    """Answers 503 to a request that the server cancels: its body was still coming when the service had to end.

    Nothing else cancels one. uvicorn would log a traceback, and answer 500 in plain text.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        began = False

        async def send_noting(message: Message) -> None:
            nonlocal began
            began = True
            await send(message)

        try:
            await self._app(scope, receive, send_noting)
        except asyncio.CancelledError:
            if scope["type"] != "http":
                raise
            if began:  # it ends here; its client may not even have read what there is of it
                return
            await stopped_midway(scope)(scope, receive, send)


def stopped_midway(scope: Scope) -> Response:
    """The answer to a request that outlasts the service."""
    error = StoppingError(
        "The service stopped before this request was done; send it again when it is back.",
        retry_after=5,
        headers={"Connection": "close"},
    )
    return problem_response(Request(scope), error)
