"""The HTTP side of the service over a scripted engine and, unless told otherwise, a journal in memory: no processes."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import httpx
import uvicorn
from fastapi import FastAPI
from starlette.types import Receive, Scope, Send

from offload.api.routes import add_routes
from offload.api.state import AppState
from offload.jobs.housekeeping import recover
from offload.jobs.interfaces import Journal
from offload.server.keyring import Keyring
from offload.server.services import Backends, create_services
from offload.server.settings import Settings
from offload.stores.logs import LogDirectory
from offload.stores.results import ResultDirectory
from offload.stores.uploads import UploadDirectory
from offload.supervision import Supervisor
from offload.tasks.context import Places
from offload.tasks.registry import RegistrySpec, load_registry
from tests.support.memory_journal import MemoryJournal
from tests.support.scripted_engine import ScriptedEngine
from tests.support.waiting import until

BUILT_IN = RegistrySpec()


@dataclass(frozen=True, kw_only=True)
class ApiServer:
    """What a test of the API works with."""

    client: httpx.AsyncClient
    app: FastAPI
    asgi: Callable[[Scope, Receive, Send], Awaitable[None]]
    """The app with its state, as a server would call it."""
    state: AppState
    engine: ScriptedEngine
    journal: Journal
    results: ResultDirectory
    uploads_dir: Path
    files_dir: Path


@asynccontextmanager
async def api_server(
    directory: Path,
    spec: RegistrySpec = BUILT_IN,
    /,
    *,
    engine: ScriptedEngine | None = None,
    journal: Journal | None = None,
    checks: Mapping[str, Callable[[], Awaitable[str | None]]] = MappingProxyType({}),
    **changes: object,
) -> AsyncIterator[ApiServer]:
    """A service below `directory`, with an engine of one slot unless another is given; `changes` are settings.

    A journal that is given must be open, and stays so.
    """
    engine = engine or ScriptedEngine()
    journal = journal or MemoryJournal()
    settings = Settings.model_validate({"data_dir": directory / "data", "files_dir": directory / "files", **changes})
    settings.files_dir.mkdir(exist_ok=True)
    settings.data_dir.mkdir(exist_ok=True)
    registry = load_registry(spec)
    results = ResultDirectory(settings.data_dir / "results")
    uploads = UploadDirectory(settings.data_dir / "uploads")
    state = create_services(
        settings,
        registry,
        Keyring(settings.api_keys, settings.api_keys_file),
        Backends(
            engine=engine,
            journal=journal,
            results=results,
            logs=LogDirectory(settings.data_dir / "logs"),
            uploads=uploads,
        ),
        Places(files_dir=settings.files_dir, uploads_dir=uploads.directory),
        Supervisor(),
        checks=checks,
    )
    app = FastAPI(title="Offload", version="1", docs_url=None, redoc_url=None)
    add_routes(app, registry, settings)

    async def asgi(scope: Scope, receive: Receive, send: Send) -> None:
        await app({**scope, "state": {"offload": state}}, receive, send)

    dispatcher = state.dispatcher
    await recover(journal, dispatcher, state.clock)
    await engine.open(dispatcher.slots_changed)
    dispatcher.start()
    transport = httpx.ASGITransport(asgi)
    async with httpx.AsyncClient(transport=transport, base_url="http://offload") as client:
        yield ApiServer(
            client=client,
            app=app,
            asgi=asgi,
            state=state,
            engine=engine,
            journal=journal,
            results=results,
            uploads_dir=uploads.directory,
            files_dir=settings.files_dir,
        )
    await asyncio.gather(engine.close(), dispatcher.drain(0))
    await dispatcher.close()


@asynccontextmanager
async def served(
    directory: Path, *, engine: ScriptedEngine | None = None, **settings: Any
) -> AsyncIterator[tuple[ApiServer, int]]:
    """A server behind uvicorn, and its port; `settings` may be anything, as pydantic reads them."""
    async with api_server(directory, engine=engine, **settings) as server:
        config = uvicorn.Config(server.asgi, port=0, lifespan="off", log_config=None, timeout_graceful_shutdown=1)
        uvicorn_server = uvicorn.Server(config)
        serving = asyncio.create_task(uvicorn_server.serve())
        try:
            await until(lambda: uvicorn_server.started, what="uvicorn to start")
            yield server, uvicorn_server.servers[0].sockets[0].getsockname()[1]
        finally:
            uvicorn_server.should_exit = True
            await serving
