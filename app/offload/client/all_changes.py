"""Every change of every job, without a gap that is not told."""

from offload.client import calls
from offload.client.asking import ask, persist
from offload.client.following import QUIET_S, TRIAL_S, events_of, opened, record_of, with_headers
from offload.client.patience import Service, Tries
from offload.client.records import Change, Job, JobChanged, JobDeleted, LoadAgain, Record
from offload.client.sse import Event, Parser
from offload.client.steps import LostError, Pause, Steps, Tell, open_, read

EVERY_S = 2.0
"""Between two looks where no stream can be had."""

LOOKS = 15
"""After so many, a stream is tried again: it may only have been slow."""


class Named(Record):
    """What is told of a job that was deleted."""

    id: str


def all_changes(service: Service) -> Steps[None]:
    """Tells `LoadAgain` first, and whenever something may have been missed; then each change. Never ends by itself.

    Where no stream can be had it tells `LoadAgain` every two seconds, so that who loads then is right all the same.
    """
    tries = Tries(service=service)
    last_id, works = "", False

    def attempt() -> Steps[bool]:
        nonlocal last_id, works
        arrived = False
        parser = Parser(last_id)
        headers = (("Last-Event-ID", last_id),) if last_id else ()
        try:
            head = yield from open_(with_headers(calls.events(), headers), QUIET_S if works else TRIAL_S)
            if not (yield from opened(service, head)):
                return True
            while portion := (yield from read()):
                if not arrived and not last_id:
                    yield Tell(LoadAgain())  # what changes from here on will be told
                arrived = True
                tries.succeeded()
                for event in events_of(service, parser, portion):
                    yield from _tell(service, event)
                last_id = parser.last_id
        except LostError as lost:
            if not lost.timed_out:
                raise
            works = arrived
            return not arrived
        raise LostError("the stream of events has ended", sent=True)

    while True:
        yield from persist(tries, attempt)
        for _ in range(LOOKS):
            yield from ask(service, calls.stats())  # or nobody would be told that the service is gone
            yield Tell(LoadAgain())
            yield Pause(EVERY_S)
        last_id, works = "", False


def _tell(service: Service, event: Event) -> Steps[None]:
    change: Change
    match event.name:
        case "job":
            change = JobChanged(record_of(service, Job, event))
        case "deleted":
            change = JobDeleted(record_of(service, Named, event).id)
        case "reset":
            change = LoadAgain()
        case _:
            return
    yield Tell(change)
