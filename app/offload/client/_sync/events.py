# Generated from offload/client/_async/events.py by `make sync-client`. Edit that file instead.

"""Receives server-sent events, and notices where something in between lets no stream through.

The service sends an event immediately, so the first stream is a trial of `TRIAL_S`: where nothing arrives within it, a
proxy holds the stream back. httpx can't change the timeout of an open stream. So a stream that works is opened again
after its trial, with the timeout `QUIET_S`.
"""

from collections.abc import Generator
from typing import TypeVar

from offload.client import responses
from offload.client._sync.transport import Transport
from offload.client.errors import UnreachableError
from offload.client.records import Record
from offload.client.request import Request
from offload.client.sse import Event, Parser

R = TypeVar("R", bound=Record)

TRIAL_S = 3.0

QUIET_S = 25.0
"""The service sends something at least every 15 s. After this, the connection is dead."""


class NoStreamError(Exception):
    """No stream of events gets through: another kind of response arrived, or nothing in time."""


def receive_events(
    transport: Transport, request: Request[None], parser: Parser, timeout_s: float
) -> Generator[list[Event]]:
    """Yield the events of each portion that arrives: none for a ping. Return after a silence of `timeout_s`.

    Raises `NoStreamError`, `UnreachableError` where the stream breaks or ends, `RefusedError` and `NotOffloadError`.
    """
    if parser.last_id:
        request = request.with_header("Last-Event-ID", parser.last_id)
    arrived = False
    try:
        with transport.stream(request, timeout_s=timeout_s) as response:
            transport.raise_for_problem(response)
            if response.status_code != 200 or responses.media_type(response) != "text/event-stream":
                raise NoStreamError
            for portion in response.iter_bytes():
                arrived = True
                with responses.reading_from(transport.url):
                    events = list(parser.feed(portion))
                yield events
    except UnreachableError as error:
        if not error.timed_out:
            raise
        if not arrived:
            raise NoStreamError from None
        return
    raise UnreachableError(transport.url, "the stream of events has ended")


def read_event(transport: Transport, kind: type[R], event: Event) -> R:
    """Return the record in an event. Raises `NotOffloadError`."""
    with responses.reading_from(transport.url):
        return responses.to_record(kind, responses.decode(event.data))
