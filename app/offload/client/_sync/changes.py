# Generated from offload/client/_async/changes.py by `make sync-client`. Edit that file instead.

"""Follows all jobs, and reports each gap in which changes may have been missed."""

import time
from collections.abc import Generator
from contextlib import closing

from offload.client import api
from offload.client._sync.events import QUIET_S, TRIAL_S, NoStreamError, read_event, receive_events
from offload.client._sync.transport import Transport
from offload.client.errors import RefusedError, UnreachableError
from offload.client.records import Change, Job, JobChanged, JobDeleted, LoadAgain, Record
from offload.client.sse import Event, Parser

RELOAD_S = 2.0
"""Between two `LoadAgain` where no stream gets through."""

RELOADS = 15
"""After so many, a stream is tried again: it may only have been slow."""


class Deleted(Record):
    """The data of a `deleted` event."""

    id: str


def all_changes(transport: Transport) -> Generator[Change]:
    """Yield `LoadAgain` first, and whenever changes may have been missed; then each change. Never ends by itself.

    Where no stream gets through, yields `LoadAgain` every two seconds: a caller that loads then is up to date all the
    same.
    """
    while True:
        changes = _streamed(transport)
        with closing(changes):
            yield from changes
        for _ in range(RELOADS):
            transport.send(api.stats())  # raises where the service is gone
            yield LoadAgain()
            time.sleep(RELOAD_S)


def _streamed(transport: Transport) -> Generator[Change]:
    """Yield changes from event streams until no stream gets through."""
    retries = transport.retries()
    last_id, timeout_s = "", TRIAL_S
    while True:
        parser = Parser(last_id)
        events = receive_events(transport, api.events(), parser, timeout_s)
        arrived = bool(last_id)
        try:
            with closing(events):
                for portion in events:
                    if not arrived:
                        yield LoadAgain()  # changes from now on are in the stream
                    arrived = True
                    retries.reset()
                    for event in portion:
                        if (change := _change(transport, event)) is not None:
                            yield change
                    last_id = parser.last_id
            timeout_s = QUIET_S
        except NoStreamError:
            return
        except (RefusedError, UnreachableError) as error:
            transport.back_off(retries, error)


def _change(transport: Transport, event: Event) -> Change | None:
    match event.name:
        case "job":
            return JobChanged(read_event(transport, Job, event))
        case "deleted":
            return JobDeleted(read_event(transport, Deleted, event).id)
        case "reset":
            return LoadAgain()
        case _:
            return None
