"""The front desk: what stands between HTTP and the engine and stores, whichever those are."""

from collections.abc import Awaitable, Callable, Mapping

from offload import clock
from offload.api.state import AppState, Spool
from offload.jobs.acceptance.admission import Capacity, ServerLimits
from offload.jobs.acceptance.idempotency import IdempotencyKeys
from offload.jobs.acceptance.intake import Intake
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
from offload.tasks.context import Places
from offload.tasks.registry import Registry


def front_desk(
    settings: Settings,
    registry: Registry,
    *,
    keyring: Keyring,
    journal: Journal,
    engine: Engine,
    results: ResultFiles,
    logs: LogFiles,
    uploads: Spool,
    places: Places,
    checks: Mapping[str, Callable[[], Awaitable[str | None]]],
    traces: Traces | None = None,
) -> AppState:
    """Puts it together; nothing runs yet. `checks` are those of the parts that it does not know (see `AppState`)."""
    changes, recent, new_id = ChangeNotifier(), RecentJobs(), new_ids()
    dispatcher = Dispatcher(journal, engine, clock.now, changes, recent, traces)
    canceller = Canceller(dispatcher, journal, recent, clock.now, traces)
    limits = ServerLimits(
        default_timeout_s=settings.default_timeout_s,
        max_timeout_s=settings.max_timeout_s,
        memory_mb=settings.memory_mb,
    )
    intake = Intake(limits=limits, places=places, uploads=uploads, clock=clock.now, new_id=new_id, traces=traces)
    capacity = Capacity(
        dispatcher.queue,
        dispatcher.live,
        limit=settings.queue_limit,
        owner_limit=settings.owner_queue_limit,
        params_bytes=settings.queue_max_mb << 20,
    )
    keys = IdempotencyKeys(journal)
    service = JobService(
        journal=journal,
        dispatcher=dispatcher,
        canceller=canceller,
        changes=changes,
        recent=recent,
        results=results,
        logs=logs,
        uploads=uploads,
        intake=intake,
        capacity=capacity,
        keys=keys,
    )
    batches = BatchService(
        jobs=service,
        journal=journal,
        dispatcher=dispatcher,
        canceller=canceller,
        changes=changes,
        intake=intake,
        capacity=capacity,
        keys=keys,
    )
    return AppState(
        settings=settings,
        registry=registry,
        keyring=keyring,
        service=service,
        batches=batches,
        dispatcher=dispatcher,
        history=History(journal, clock.now),
        engine=engine,
        uploads=uploads,
        checks={"service": service.check, "journal": journal.check, "lanes": engine.check, **checks},
        clock=clock.now,
        new_id=new_id,
    )
