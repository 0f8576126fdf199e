"""The running service without HTTP: the only place that knows the concrete engine and stores.

start:  data directory ─► stores ─► engine ─► services ─► open ─► background work
stop:   drain ─► background work ─► dispatcher ─► engine ─► board ─► journal ─► tracing ─► data directory
"""

import asyncio
from collections.abc import Awaitable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import structlog

from offload import clock
from offload.api.state import AppState
from offload.engines.local.context import LaneContext
from offload.engines.local.engine import LocalEngine
from offload.jobs.housekeeping import Retention, delete_expired, recover
from offload.jobs.interfaces import JobFilter, Traces
from offload.jobs.model import AttemptKey
from offload.server.data_directory import DataDirectory, claim_data_directory, registry_spec
from offload.server.keyring import Keyring
from offload.server.services import Backends, create_services
from offload.server.settings import Settings
from offload.server.settings_checks import warnings_about
from offload.stores.board import Board
from offload.stores.journal import SqliteJournal
from offload.stores.logs import LogDirectory
from offload.stores.results import ResultDirectory
from offload.stores.uploads import UploadDirectory
from offload.supervision import Supervisor, Work
from offload.tasks.context import Places
from offload.tasks.registry import Registry
from offload.tracing.setup import Tracing
from offload.wire.messages import LaneSetup

CLOSING_S = 2.0
"""The part of the shutdown's grace period that is reserved for ending processes and closing files."""

HELLO = "Hello from Offload.\n"
"""The content of `hello.txt` in a new files directory. The example of `file-digest` in Swagger UI names this file."""

log = structlog.get_logger()


class Runtime:
    """Starts and stops one service. After `stop`, it can't be started again."""

    def __init__(
        self,
        settings: Settings,
        registry: Registry,
        keyring: Keyring,
        *,
        tracing: Tracing | None = None,
        directory: DataDirectory | None = None,
    ) -> None:
        """Uses `directory` if the data directory is already claimed. Closes `tracing` and `directory` at the end."""
        self._settings = settings
        self._registry = registry
        self._keyring = keyring
        self._tracing = tracing
        self._directory = directory
        self._supervisor = Supervisor()
        self._started = AsyncExitStack()
        self._state: AppState | None = None
        self._draining: asyncio.Task[None] | None = None

    @property
    def state(self) -> AppState:
        """The services, after `start`."""
        if self._state is None:
            raise RuntimeError("the service is not running")
        return self._state

    async def start(self) -> AppState:
        """Starts every part. If one fails, stops those that have started, and raises its `BootError`."""
        for warning in warnings_about(self._settings):
            log.warning(warning)
        async with AsyncExitStack() as started:
            directory = self._directory or claim_data_directory(self._settings)
            started.callback(directory.close)
            if self._tracing is not None:
                started.push_async_callback(self._tracing.close)
            stores = await _create_stores(started, self._settings)
            board, engine = self._create_engine(started, directory, stores)
            state = self._create_services(started, board, engine, stores)
            await self._open(state, board, engine, stores.journal)
            await self._start_background_work(started, state, stores)
            self._state = state
            started.push_async_callback(self.drain)
            self._started = started.pop_all()
        return state

    async def drain(self) -> None:
        """Stops accepting jobs, and waits for running ones within the grace period. The rest is queued again.

        Happens once: a second call waits for the end of the first. A journal that refuses writes would use up the
        grace period twice.
        """
        if self._draining is None:
            self.state.service.stop()
            grace_s = max(0.0, self._settings.shutdown_grace_s - CLOSING_S)
            self._draining = asyncio.create_task(self.state.dispatcher.drain(grace_s))
        await asyncio.shield(self._draining)

    def hurry(self) -> None:
        """Ends a drain immediately."""
        self.state.dispatcher.hurry()

    async def stop(self) -> None:
        """Drains, then stops every part before the parts that it needs. Does nothing if nothing has started."""
        await self._started.aclose()

    @property
    def _traces(self) -> Traces | None:
        return None if self._tracing is None else self._tracing.traces

    def _create_engine(
        self, started: AsyncExitStack, directory: DataDirectory, stores: "_Stores"
    ) -> tuple[Board, LocalEngine]:
        board = Board(directory.run_dir, LaneContext(), self._supervisor)
        started.push_async_callback(board.close)
        setup = LaneSetup(
            registry=registry_spec(self._settings),
            places=stores.places,
            results_dir=stores.results.directory,
            logs_dir=stores.logs.directory,
            run_dir=directory.run_dir,
            board_address=board.address,
            board_authkey=board.authkey,
            result_max_bytes=self._settings.result_max_mb << 20,
            nice=self._settings.nice,
            traced=self._tracing is not None,
        )
        engine = LocalEngine(setup, lanes=self._settings.lanes, board=board, supervisor=self._supervisor)
        started.push_async_callback(engine.close)
        return board, engine

    def _create_services(
        self, started: AsyncExitStack, board: Board, engine: LocalEngine, stores: "_Stores"
    ) -> AppState:
        state = create_services(
            self._settings,
            self._registry,
            self._keyring,
            Backends(
                engine=engine,
                journal=stores.journal,
                results=stores.results,
                logs=stores.logs,
                uploads=stores.uploads,
            ),
            stores.places,
            self._supervisor,
            checks={"board": board.check},
            traces=self._traces,
        )
        started.push_async_callback(state.dispatcher.close)
        return state

    async def _open(self, state: AppState, board: Board, engine: LocalEngine, journal: SqliteJournal) -> None:
        """Opens the parts that take time, concurrently, and then lets jobs run."""

        async def open_journal() -> None:
            await journal.open()
            await recover(journal, state.dispatcher, clock.now, self._traces)

        await _run_all(board.open(), engine.open(state.dispatcher.slots_changed), open_journal())
        state.dispatcher.start()

    async def _start_background_work(self, started: AsyncExitStack, state: AppState, stores: "_Stores") -> None:
        find, settings = stores.journal.get, self._settings
        retention = Retention(jobs_s=settings.retention_s, keys_s=settings.idempotency_s)
        work: Mapping[str, Work] = {
            "results": partial(stores.results.sweep, stores.old_results, find),
            "logs": partial(stores.logs.sweep, stores.old_logs, find),
            "uploads": partial(stores.uploads.sweep, stores.old_uploads),
            "retention": partial(
                delete_expired,
                stores.journal,
                stores.uploads,
                state.service,
                state.dispatcher,
                clock.SettledClock(await _newest_time(stores.journal)),
                retention,
            ),
        }
        for name, each in work.items():
            started.push_async_callback(_cancel, self._supervisor.start(name, each))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stores:
    journal: SqliteJournal
    results: ResultDirectory
    logs: LogDirectory
    uploads: UploadDirectory
    places: Places
    old_results: Sequence[AttemptKey]
    """Result files of an earlier service, to be swept in the background."""
    old_logs: Sequence[str]
    """The same for log files, by job."""
    old_uploads: Sequence[str]
    """The same for uploads."""


async def _create_stores(started: AsyncExitStack, settings: Settings) -> _Stores:
    """Creates the directories and removes incomplete files. The journal is not open yet."""
    data_dir = settings.data_dir
    journal = SqliteJournal(data_dir / "journal.sqlite3")
    started.push_async_callback(journal.close)
    results, logs = ResultDirectory(data_dir / "results"), LogDirectory(data_dir / "logs")
    uploads = UploadDirectory(data_dir / "uploads")
    return _Stores(
        journal=journal,
        results=results,
        logs=logs,
        uploads=uploads,
        places=Places(files_dir=_files_dir(settings), uploads_dir=uploads.directory),
        old_results=await results.leftovers(),
        old_logs=await logs.leftovers(),
        old_uploads=await uploads.leftovers(),
    )


async def _newest_time(journal: SqliteJournal) -> int | None:
    """Returns when the newest job was accepted or, if it has ended, ended. None if there are no jobs."""
    jobs = (await journal.list(JobFilter(), 1)).jobs
    return max((job.finished_at or job.created_at for job in jobs), default=None)


def _files_dir(settings: Settings) -> Path:
    if not settings.files_dir.exists():
        settings.files_dir.mkdir(parents=True)
        (settings.files_dir / "hello.txt").write_text(HELLO)
    return settings.files_dir


async def _run_all(*work: Awaitable[None]) -> None:
    """Runs all concurrently. If one fails, waits for the others to end, then raises its error."""
    for result in await asyncio.gather(*work, return_exceptions=True):
        if result is not None:
            raise result


async def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait([task])
