"""The running service, as the routes get it from the lifespan's state."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Annotated, NamedTuple, Protocol

from fastapi import Depends, Request

from offload.jobs import caller
from offload.jobs.batches import BatchService
from offload.jobs.dispatch.dispatcher import Dispatcher
from offload.jobs.history import History
from offload.jobs.interfaces import Clock, Engine, Uploads
from offload.jobs.service import JobService
from offload.server.keyring import Keyring
from offload.server.settings import Settings
from offload.tasks.context import Places
from offload.tasks.registry import Registry


class Sink(Protocol):
    """An upload that is being written."""

    size: int
    """Bytes written so far."""

    async def write(self, chunk: bytes) -> None:
        """Appends a chunk. Raises `BodyTooLargeError` over the limit, `StorageFullError` on a full disk."""
        ...


class Spool(Uploads, Protocol):
    """The store of uploads, for reading and writing."""

    def receive(
        self, upload_id: str, name: str, owner: str | None, max_bytes: int
    ) -> AbstractAsyncContextManager[Sink]:
        """Starts an upload. It is kept if the context ends without an error; otherwise nothing remains."""
        ...


class Chunk(NamedTuple):
    """Events of `GET /events`, ready to send, and the number of the newest change among them."""

    upto: int
    events: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class AppState:
    """The running service, as `server/` builds it."""

    settings: Settings
    registry: Registry
    keyring: Keyring
    service: JobService
    batches: BatchService
    dispatcher: Dispatcher
    history: History
    engine: Engine
    uploads: Spool
    checks: Mapping[str, Callable[[], Awaitable[str | None]]]
    """Health checks by name. Each returns None, or what is wrong in a sentence."""
    clock: Clock
    new_id: Callable[[], str]
    places: Places
    background_failures: Mapping[str, int]
    """How often each background work of the service has failed: see `Supervisor.failures`."""
    refused: Counter[str] = field(default_factory=Counter)
    """Rejected submissions since the start, by type of problem."""
    one_walk: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held while the files directory is searched: patterns can't occupy every thread."""
    one_scrape: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held while metrics are written, for the same reason."""
    chunks: dict[tuple[int, int, str | None, str], Chunk] = field(default_factory=dict)
    """Chunks of `GET /events` that several readers share: see `operations/events.py`."""


def app_state(request: Request) -> AppState:
    """Returns the running service. `Request[AppState]` can't be used: FastAPI 0.165 fails on it at import."""
    state: AppState = request.scope["state"]["offload"]
    return state


State = Annotated[AppState, Depends(app_state)]


def who_calls(request: Request) -> caller.Caller:
    """Returns the caller that authentication has put into the scope."""
    authenticated: caller.Caller = request.scope["caller"]
    return authenticated


Caller = Annotated[caller.Caller, Depends(who_calls)]
