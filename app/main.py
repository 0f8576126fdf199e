"""Builds the service: the only place that knows the concrete engine and stores.

`create_app` makes the application; nothing runs until its lifespan begins. `uvicorn app.main:app` works as well as
`offload serve`: the module attribute `app` is made when it is asked for.
"""

import asyncio
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import structlog
from fastapi import FastAPI

from app import __version__, clock, logs
from app.api import add_routes
from app.api.state import AppState
from app.config import Settings, load_settings
from app.engines import leftovers
from app.engines.local import LocalEngine
from app.errors import BootError
from app.jobs.admission import ServerLimits
from app.jobs.changes import Changes
from app.jobs.dispatcher import Dispatcher
from app.jobs.housekeeping import forget_old_jobs, recover
from app.jobs.ids import new_ids
from app.jobs.interfaces import Engine
from app.jobs.recent import RecentJobs
from app.jobs.service import JobService
from app.stopping import drained_by_signals
from app.stores.board import Board
from app.stores.journal import SqliteJournal
from app.stores.lock import DirectoryLock
from app.stores.results import ResultDirectory
from app.stores.uploads import UploadDirectory
from app.tasks.context import Places
from app.tasks.registry import Registry, RegistrySpec, load
from app.worker.messages import LaneSetup

if TYPE_CHECKING:
    app: FastAPI

CLOSING_S = 2.0
"""Of the shutdown's grace, what is left for ending processes and closing files."""

log = structlog.get_logger()


def create_app(settings: Settings | None = None) -> FastAPI:
    """The application for these settings, or for those in the environment. Raises `BootError`."""
    settings = settings or load_settings()
    logs.configure(settings.log_format, settings.log_level)
    spec = RegistrySpec(
        tasks=settings.tasks,
        fibonacci_max_n=settings.fibonacci_max_n,
        fibonacci_max_recursive_n=settings.fibonacci_max_recursive_n,
    )
    registry = load(spec)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[Mapping[str, AppState]]:
        async with AsyncExitStack() as stack:
            yield {"offload": await build(stack, settings, spec, registry)}

    application = FastAPI(
        title="Offload",
        version=__version__,
        summary="CPU-bound Python work, run in processes, behind an HTTP API.",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    add_routes(application, registry, settings)
    return application
