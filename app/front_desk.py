"""The front desk: what stands between HTTP and the engine and stores, whichever those are."""

from collections.abc import Awaitable, Callable, Mapping

from app import clock
from app.api.state import AppState, Spool
from app.config import Settings
from app.jobs.admission import Room, ServerLimits
from app.jobs.batches import BatchService
from app.jobs.changes import Changes
from app.jobs.dispatcher import Dispatcher
from app.jobs.history import History
from app.jobs.idempotency import Keys
from app.jobs.ids import new_ids
from app.jobs.intake import Intake
from app.jobs.interfaces import Engine, Journal, LogFiles, ResultFiles, Traces
from app.jobs.recent import RecentJobs
from app.jobs.service import JobService
from app.keyring import Keyring
from app.tasks.context import Places
from app.tasks.registry import Registry


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
    changes, recent, new_id = Changes(), RecentJobs(), new_ids()
    dispatcher = Dispatcher(journal, engine, clock.now, changes, recent, traces)
    limits = ServerLimits(
        default_timeout_s=settings.default_timeout_s,
        max_timeout_s=settings.max_timeout_s,
        memory_mb=settings.memory_mb,
    )
    intake = Intake(limits=limits, places=places, uploads=uploads, clock=clock.now, new_id=new_id, traces=traces)
    room = Room(
        dispatcher.queue,
        dispatcher.live,
        limit=settings.queue_limit,
        owner_limit=settings.owner_queue_limit,
        params_bytes=settings.queue_max_mb << 20,
    )
    keys = Keys(journal)
    service = JobService(
        journal=journal,
        dispatcher=dispatcher,
        changes=changes,
        recent=recent,
        results=results,
        logs=logs,
        uploads=uploads,
        intake=intake,
        room=room,
        keys=keys,
    )
    batches = BatchService(
        jobs=service,
        journal=journal,
        dispatcher=dispatcher,
        changes=changes,
        intake=intake,
        room=room,
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
