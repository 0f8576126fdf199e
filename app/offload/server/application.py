"""The ASGI application: the HTTP API on top of a `Runtime` that its lifespan starts and stops."""

import os
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import ExitStack, asynccontextmanager

import structlog
from fastapi import FastAPI
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from offload import __version__
from offload.api.routes import add_routes
from offload.api.state import AppState
from offload.errors import BootError
from offload.server import logging_setup
from offload.server.data_directory import DataDirectory, registry_spec
from offload.server.keyring import Keyring, WrongKeysError
from offload.server.runtime import Runtime
from offload.server.settings import Settings
from offload.server.settings_checks import load_settings
from offload.server.signals import drain_on_signal, reload_on_sighup
from offload.tasks.registry import load_registry
from offload.tracing.environment import traces_requested
from offload.tracing.setup import OFF, start_tracing

log = structlog.get_logger()


def app_from_environment() -> FastAPI:
    """Returns the application for the `OFFLOAD_…` variables, for servers other than `offload serve`.

    Raises `BootError`.
    """
    settings = load_settings()
    logging_setup.configure(settings.log_format, settings.log_level, traced=traces_requested(os.environ))
    return create_app(settings)


def create_app(
    settings: Settings, directory: DataDirectory | None = None, on_stop: Callable[[], None] = lambda: None
) -> FastAPI:
    """Returns the application for these settings. `directory` is their data directory if it is already claimed.

    The service starts with the application's lifespan. `on_stop` is called in the handler of the signal that stops it.
    Raises `BootError`.
    """
    registry = load_registry(registry_spec(settings))
    tracing = start_tracing(os.environ)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[Mapping[str, AppState]]:
        keyring = _open_keyring(settings)
        runtime = Runtime(settings, registry, keyring, tracing=tracing, directory=directory)
        with ExitStack() as handlers:
            if settings.api_keys_file is not None:
                handlers.enter_context(reload_on_sighup(lambda: _reload(keyring)))
            state = await runtime.start()
            try:
                with drain_on_signal(runtime.drain, runtime.hurry, on_stop):
                    yield {"offload": state}
            finally:
                await runtime.stop()

    application = FastAPI(
        title="Offload",
        version=__version__,
        summary="CPU-bound Python work, run in processes, behind an HTTP API.",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        telemetry=OFF if tracing is None else tracing.config,
    )
    add_routes(application, registry, settings)
    application.add_middleware(BootErrorMiddleware)
    return application


class BootErrorMiddleware:
    """Reports a `BootError` of the lifespan by its message alone.

    Starlette would report a whole traceback to the server, which hides what has to be changed.
    """

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


def _open_keyring(settings: Settings) -> Keyring:
    try:
        return Keyring(settings.api_keys, settings.api_keys_file)
    except WrongKeysError as error:
        raise BootError(f"OFFLOAD_API_KEYS_FILE={settings.api_keys_file}: {error}") from None


def _reload(keyring: Keyring) -> None:
    file = str(keyring.file)
    try:
        keyring.reload()
    except WrongKeysError as error:
        log.error("the keys file was not reloaded; the keys are unchanged", file=file, why=str(error))  # noqa: TRY400
    else:
        log.info("keys reloaded", file=file, keys=len(keyring))
