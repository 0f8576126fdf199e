"""Composes the services of one process. Knows no concrete engine and no concrete store."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from offload import clock
from offload.api.state import AppState, Spool
from offload.jobs.acceptance.batches import BatchAcceptance
from offload.jobs.acceptance.capacity import Capacity
from offload.jobs.acceptance.idempotency import IdempotencyKeys
from offload.jobs.acceptance.intake import Intake
from offload.jobs.acceptance.jobs import JobAcceptance
from offload.jobs.acceptance.submission import ServerLimits
from offload.jobs.batches import BatchService
from offload.jobs.changes.notifier import ChangeNotifier
from offload.jobs.dispatch.canceller import Canceller
from offload.jobs.dispatch.dispatcher import Dispatcher
from offload.jobs.history import History
from offload.jobs.ids import new_ids
from offload.jobs.interfaces import Engine, Journal, LogFiles, ResultFiles, Traces
from offload.jobs.recent import RecentJobs
from offload.jobs.service import JobService
from offload.server.keyring import Keyring
from offload.server.settings import Settings
from offload.supervision import Supervisor
from offload.tasks.context import Places
from offload.tasks.registry import Registry

Check = Callable[[], Awaitable[str | None]]
"""Returns None if a part works, else a sentence that says what is wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backends:
    """The parts that run and store jobs."""

    engine: Engine
    journal: Journal
    results: ResultFiles
    logs: LogFiles
    uploads: Spool


def create_services(
    settings: Settings,
    registry: Registry,
    keyring: Keyring,
    backends: Backends,
    places: Places,
    supervisor: Supervisor,
    *,
    checks: Mapping[str, Check] = MappingProxyType({}),
    traces: Traces | None = None,
) -> AppState:
    """Creates the services on top of the backends. Starts nothing.

    `checks` adds parts to the readiness check, by name.
    """
    engine, journal, uploads = backends.engine, backends.journal, backends.uploads
    changes, recent, new_id = ChangeNotifier(), RecentJobs(), new_ids()
    dispatcher = Dispatcher(journal, engine, clock.now, changes, recent, traces, supervisor)
    canceller = Canceller(dispatcher, journal, recent, clock.now, traces)
    intake = Intake(
        limits=_limits(settings), places=places, uploads=uploads, clock=clock.now, new_id=new_id, traces=traces
    )
    acceptance = JobAcceptance(
        journal=journal,
        dispatcher=dispatcher,
        intake=intake,
        capacity=_capacity(settings, dispatcher),
        keys=IdempotencyKeys(journal),
    )
    jobs = JobService(
        acceptance=acceptance,
        journal=journal,
        dispatcher=dispatcher,
        canceller=canceller,
        changes=changes,
        recent=recent,
        results=backends.results,
        logs=backends.logs,
        uploads=uploads,
    )
    batches = BatchService(
        jobs=jobs,
        acceptance=BatchAcceptance(jobs=acceptance),
        journal=journal,
        dispatcher=dispatcher,
        canceller=canceller,
        changes=changes,
    )
    return AppState(
        settings=settings,
        registry=registry,
        keyring=keyring,
        service=jobs,
        batches=batches,
        dispatcher=dispatcher,
        history=History(journal, clock.now),
        engine=engine,
        uploads=uploads,
        checks={
            "service": jobs.check,
            "journal": journal.check,
            "lanes": engine.check,
            "background": supervisor.check,
            **checks,
        },
        clock=clock.now,
        new_id=new_id,
        places=places,
        background_failures=supervisor.failures,
    )


def _limits(settings: Settings) -> ServerLimits:
    return ServerLimits(
        default_timeout_s=settings.default_timeout_s,
        max_timeout_s=settings.max_timeout_s,
        memory_mb=settings.memory_mb,
    )


def _capacity(settings: Settings, dispatcher: Dispatcher) -> Capacity:
    return Capacity(
        dispatcher.queue,
        dispatcher.live,
        limit=settings.queue_limit,
        owner_limit=settings.owner_queue_limit,
        params_bytes=settings.queue_max_mb << 20,
    )
