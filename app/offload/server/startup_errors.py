"""A start that is refused is told in the words of its `BootError`, whichever server runs the application.

Starlette would tell the server a whole traceback, which hides what has to be changed.
"""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from offload.errors import BootError


class PlainRefusals:
    """Middleware: of a lifespan that can't start because of a `BootError`, the server hears the message alone."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":
            await self._app(scope, receive, send)
            return
        failure: Message | None = None

        async def hold_failure(message: Message) -> None:
            nonlocal failure
            if message["type"] == "lifespan.startup.failed":
                failure = message
            else:
                await send(message)

        try:
            await self._app(scope, receive, hold_failure)
        except BootError as error:
            await send({"type": "lifespan.startup.failed", "message": str(error)})
        except BaseException:
            if failure is not None:
                await send(failure)
            raise
