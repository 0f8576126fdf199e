"""Responses to requests that are still in progress when the service stops."""

import asyncio

from fastapi import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from offload.api.contract.problems import problem_response
from offload.errors import StoppingError


class InterruptedRequests:
    """Middleware: responds with 503 to a request that uvicorn cancels at the end of the shutdown.

    Nothing else cancels a request. uvicorn would log a traceback and respond with 500 in plain text.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def send_and_note(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, receive, send_and_note)
        except asyncio.CancelledError:
            if scope["type"] != "http":
                raise
            if started:  # part of a response has been sent: nothing can be added
                return
            await interrupted_response(scope)(scope, receive, send)


def interrupted_response(scope: Scope) -> Response:
    """Returns the 503 response."""
    error = StoppingError(
        "The service stopped before this request was complete. Send it again when the service is back.",
        retry_after=5,
        headers={"Connection": "close"},
    )
    return problem_response(Request(scope), error)
