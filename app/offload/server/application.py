"""Builds the service: the only place that knows the concrete engine and stores.

`create_app` makes the application; nothing runs until its lifespan begins. `uvicorn app.main:app` works as well as
`offload serve`: it takes what `from_environment` makes.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Coroutine, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import structlog
from fastapi import FastAPI

from offload import __version__, clock
from offload.api.routes import add_routes
from offload.api.state import AppState
from offload.engines.local.context import LaneContext
from offload.engines.local.engine import LocalEngine
from offload.errors import BootError
from offload.jobs.housekeeping import Retention, forget_old, recover
from offload.server import logging_setup
from offload.server.assembly import front_desk
from offload.server.data_directory import TakenOver, spec_of, take_over
from offload.server.keyring import Keyring, WrongKeysError
from offload.server.reload_signal import ReadAgainBySignal
from offload.server.settings import Settings, load_settings
from offload.server.startup_errors import PlainRefusals
from offload.server.stop_signals import DrainedBySignals
from offload.stores.board import Board
from offload.stores.journal import SqliteJournal
from offload.stores.logs import LogDirectory
from offload.stores.results import ResultDirectory
from offload.stores.uploads import UploadDirectory
from offload.tasks.context import Places
from offload.tasks.registry import Registry, load_registry
from offload.tracing.environment import wanted
from offload.tracing.setup import OFF, Tracing, tracing
from offload.wire.messages import LaneSetup

CLOSING_S = 2.0
"""Of the shutdown's grace, what is kept for ending processes and closing files."""

HELLO = "Hello from Offload.\n"
"""`hello.txt`, in a files directory that is made here: what the example of `file-digest` in Swagger UI names."""

log = structlog.get_logger()


def create_app(settings: Settings, taken: TakenOver | None = None) -> FastAPI:
    """The application for these settings, and for their data directory where that has been taken over already.

    Raises `BootError`.
    """
    registry = load_registry(spec_of(settings))
    traced = tracing(os.environ)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[Mapping[str, AppState]]:
        async with AsyncExitStack() as stack:
            yield {"offload": await build(stack, settings, taken or take_over(settings), registry, traced)}

    application = FastAPI(
        title="Offload",
        version=__version__,
        summary="CPU-bound Python work, run in processes, behind an HTTP API.",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        telemetry=OFF if traced is None else traced.config,
    )
    add_routes(application, registry, settings)
    application.add_middleware(PlainRefusals)
    return application


async def build(
    stack: AsyncExitStack, settings: Settings, taken: TakenOver, registry: Registry, traced: Tracing | None
) -> AppState:
    """Starts every part, those that take time at once; `stack` ends them, each before what it needs.

    Raises `BootError` where a part can't start; what had been started is ended again.
    """
    stack.callback(taken.close)
    if traced is not None:
        stack.push_async_callback(traced.close)
    traces = None if traced is None else traced.traces
    for warning in settings.warnings():
        log.warning(warning)
    keyring = _keyring(stack, settings)

    journal = SqliteJournal(settings.data_dir / "journal.sqlite3")
    stack.push_async_callback(journal.close)
    results = ResultDirectory(settings.data_dir / "results")
    old_results = await results.leftovers()
    kept_logs = LogDirectory(settings.data_dir / "logs")
    old_logs = await kept_logs.leftovers()
    uploads = UploadDirectory(settings.data_dir / "uploads")
    await uploads.sweep()
    places = Places(files_dir=_files_dir(settings), uploads_dir=uploads.directory)

    board = Board(taken.run_dir, LaneContext())
    stack.push_async_callback(board.close)
    setup = LaneSetup(
        registry=spec_of(settings),
        places=places,
        results_dir=results.directory,
        logs_dir=kept_logs.directory,
        run_dir=taken.run_dir,
        board_address=board.address,
        board_authkey=board.authkey,
        result_max_bytes=settings.result_max_mb << 20,
        nice=settings.nice,
        traced=traced is not None,
    )
    engine = LocalEngine(setup, lanes=settings.lanes, board=board)
    stack.push_async_callback(engine.close)

    desk = front_desk(
        settings,
        registry,
        keyring=keyring,
        journal=journal,
        engine=engine,
        results=results,
        logs=kept_logs,
        uploads=uploads,
        places=places,
        checks={"board": board.check},
        traces=traces,
    )
    service, dispatcher = desk.service, desk.dispatcher
    stack.push_async_callback(dispatcher.close)

    async def open_journal() -> None:
        await journal.open()
        await recover(journal, dispatcher, clock.now, traces)

    await _all(board.open(), engine.open(dispatcher.slots_changed), open_journal())
    dispatcher.start()

    retention = Retention(jobs_s=settings.retention_s, keys_s=settings.idempotency_s)
    for work in (
        results.sweep(old_results, journal.get),
        kept_logs.sweep(old_logs, journal.get),
        forget_old(journal, uploads, service, dispatcher, clock.now, retention),
    ):
        await stack.enter_async_context(_in_background(work))

    async def drain() -> None:
        service.stop()
        await dispatcher.drain(max(0.0, settings.shutdown_grace_s - CLOSING_S))

    stack.push_async_callback(drain)
    stack.enter_context(DrainedBySignals(drain, dispatcher.hurry))
    return desk


async def _all(*work: Awaitable[None]) -> None:
    """Does all of it at once. Where some of it fails, the rest comes to its end first."""
    for failure in await asyncio.gather(*work, return_exceptions=True):
        if failure is not None:
            raise failure


def _keyring(stack: AsyncExitStack, settings: Settings) -> Keyring:
    """The keys; as long as the service runs, those of the file are read again at SIGHUP. Raises `BootError`."""
    file = settings.api_keys_file
    try:
        keyring = Keyring(settings.api_keys, file)
    except WrongKeysError as error:
        raise BootError(f"OFFLOAD_API_KEYS_FILE={file}: {error}") from None

    def read_again() -> None:
        try:
            keyring.read_again()
        except WrongKeysError as error:
            log.error("keys not read again; they stay as they were", file=str(file), why=str(error))  # noqa: TRY400
        else:
            log.info("keys read again", file=str(file), keys=len(keyring))

    if file is not None:
        stack.enter_context(ReadAgainBySignal(read_again))
    return keyring


def _files_dir(settings: Settings) -> Path:
    if not settings.files_dir.exists():
        settings.files_dir.mkdir(parents=True)
        (settings.files_dir / "hello.txt").write_text(HELLO)
    return settings.files_dir


@asynccontextmanager
async def _in_background(work: Coroutine[object, object, object]) -> AsyncIterator[None]:
    """Lets work go on beside the service, and ends it with the service."""
    task = asyncio.create_task(work)
    task.add_done_callback(_tell_failure)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


def _tell_failure(task: asyncio.Task[object]) -> None:
    if not task.cancelled() and (error := task.exception()):
        log.error("background work failed", exc_info=error)


def from_environment() -> FastAPI:
    """The application as the `OFFLOAD_…` variables set it up, for a server that is not `offload serve`.

    Raises `BootError`.
    """
    settings = load_settings()
    logging_setup.configure(settings.log_format, settings.log_level, traced=wanted(os.environ))
    return create_app(settings)
