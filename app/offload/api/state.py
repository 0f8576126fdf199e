"""What the routes find in the lifespan's state."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Annotated, NamedTuple, Protocol

from fastapi import Depends, Request

from offload.jobs.batches import BatchService
from offload.jobs.caller import Caller as Known
from offload.jobs.dispatch.dispatcher import Dispatcher
from offload.jobs.history import History
from offload.jobs.interfaces import Clock, Engine, Uploads
from offload.jobs.service import JobService
from offload.server.keyring import Keyring
from offload.server.settings import Settings
from offload.tasks.registry import Registry


class Sink(Protocol):
    """An upload that is being written."""

    size: int
    """Bytes so far."""

    async def write(self, chunk: bytes) -> None:
        """Appends. Raises `BodyTooLargeError` past the upload's limit, `StorageFullError` where the disk is full."""
        ...


class Spool(Uploads, Protocol):
    """Where uploads are written, besides what jobs need of them."""

    def receive(
        self, upload_id: str, name: str, owner: str | None, max_bytes: int
    ) -> AbstractAsyncContextManager[Sink]:
        """Begins an upload. It counts as kept once the context has ended without an error; else nothing is left."""
        ...


class Piece(NamedTuple):
    """Events of `GET /events` that are ready to be sent, and the number of the newest change that they tell of."""

    upto: int
    events: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class AppState:
    """The running service, as `main.py` builds it."""

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
    """By the part's name: asks it whether it works; None, else what is wrong, in a sentence."""
    clock: Clock
    new_id: Callable[[], str]
    refused: Counter[str] = field(default_factory=Counter)
    """Submissions that were refused since the start, by the problem's name."""
    one_walk: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held while the files directory is looked through: no client can take up every thread with patterns."""
    one_scrape: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held while the metrics are written: nor with those."""
    pieces: dict[tuple[int, int, str | None], Piece] = field(default_factory=dict)
    """What has been made for one reader of `GET /events`, for others at the same place; see there."""


def app_state(request: Request) -> AppState:
    """The running service. `Request[...]` with a typed state can't be used: FastAPI 0.165 fails on it at import."""
    state: AppState = request.scope["state"]["offload"]
    return state


State = Annotated[AppState, Depends(app_state)]


def who_calls(request: Request) -> Known:
    """Whose request this is, as the gate has noted."""
    caller: Known = request.scope["caller"]
    return caller


Caller = Annotated[Known, Depends(who_calls)]
