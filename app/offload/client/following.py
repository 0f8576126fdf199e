"""Following one job or batch to its end: by its events, or by asking again where no stream gets through.

The first stream is a trial. Its first event comes at once, so a stream on which nothing has come for `TRIAL_S` is held
back by something in between, and waiting by `?wait=` is used instead. How long a read may take can't be changed once a
stream is open; so one that works is opened again after its trial, for as long as the service's pings are apart.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Generic, TypeVar

from offload.client import calls, reading
from offload.client.asking import ask, persist, read_answer
from offload.client.call import Call
from offload.client.errors import NotOffloadError
from offload.client.patience import Service, Tries
from offload.client.records import Batch, Job, Record
from offload.client.sse import Event, Parser
from offload.client.steps import Head, LostError, Pause, Steps, Tell, open_, read, read_rest

R = TypeVar("R", Job, Batch)
K = TypeVar("K", bound=Record)

NOTHING = Call(method="GET", path="", read=reading.nothing)

TRIAL_S = 3.0

QUIET_S = 25.0
"""The service sends something at least each 15 s. After this the connection is dead."""

LATE_S = 1.0
"""By how much a stream that is silent may outlast the caller's time."""

ASKING_WAIT_S = 20
"""How long one request waits where there is no stream, and nobody wants to see changes."""

LOOKING_WAIT_S = 2
"""The same where somebody does."""

SOON_S = 0.5
"""Between two looks where the service answers before the time it was asked to wait."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject(Generic[R]):
    """What can be followed."""

    id: str
    kind: type[R]
    look: Callable[[int], Call[R]]
    events: Call[None]

    @property
    def name(self) -> str:
        """What its events are called."""
        return self.kind.__name__.lower()


def job_subject(job_id: str) -> Subject[Job]:
    """A job, to be followed."""
    return Subject(id=job_id, kind=Job, look=lambda s: calls.job(job_id, wait_s=s), events=calls.job_events(job_id))


def batch_subject(batch_id: str) -> Subject[Batch]:
    """A batch, to be followed."""
    return Subject(
        id=batch_id, kind=Batch, look=lambda s: calls.batch(batch_id, wait_s=s), events=calls.batch_events(batch_id)
    )


@dataclass(kw_only=True)
class _Course(Generic[R]):
    """How far the following of one subject has come."""

    service: Service
    subject: Subject[R]
    until: float | None
    seen: R | None = None
    last_id: str = ""
    tried: bool = False
    """A stream has brought an event, so streams work."""
    tries: Tries = field(init=False)

    def __post_init__(self) -> None:
        self.tries = Tries(service=self.service, until=self.until)

    def left(self) -> float:
        """Seconds of the caller's time. Raises `TimeoutError` where there are none."""
        if self.until is None:
            return float("inf")
        left = self.until - time.monotonic()
        if left <= 0:
            state = f" is still {_state(self.seen)}" if self.seen is not None else " could not be looked at in time"
            raise TimeoutError(f"{self.subject.kind.__name__} {self.subject.id}{state}; it goes on in the service.")
        return left

    @property
    def ended(self) -> bool:
        """Nothing more will come."""
        return self.seen is not None and self.seen.ended


def _state(seen: Job | Batch) -> str:
    return seen.state if isinstance(seen, Job) else f"at {seen.progress.done} of {seen.progress.total} jobs"


def follow(service: Service, subject: Subject[R], *, timeout_s: float | None = None, closely: bool = True) -> Steps[R]:
    """Tells the subject at once and at each change, and returns it when it has ended.

    Raises `TimeoutError` after `timeout_s`. Where no stream can be had, `closely` looks every two seconds rather than
    at the end only. Raises what `ask` does.
    """
    until = None if timeout_s is None else time.monotonic() + timeout_s
    course = _Course(service=service, subject=subject, until=until)
    if timeout_s is not None and timeout_s <= 0:
        course.seen = yield from ask(service, subject.look(0))
        yield Tell(course.seen)
        if not course.ended:
            course.left()
        return course.seen
    yield from persist(course.tries, partial(_by_stream, course))
    while course.seen is None or not course.seen.ended:
        yield from _by_asking(course, LOOKING_WAIT_S if closely else ASKING_WAIT_S)
    return course.seen


def _by_stream(course: _Course[R]) -> Steps[bool]:
    """Tells what one stream brings. True: all has been told, or no stream can be had; False: open the next."""
    silence_s = min(QUIET_S if course.tried else TRIAL_S, course.left())
    parser = Parser(course.last_id)
    arrived = False
    headers = (("Last-Event-ID", course.last_id),) if course.last_id else ()
    try:
        head = yield from open_(with_headers(course.subject.events, headers), silence_s)
        if not (yield from opened(course.service, head)):
            return True
        while portion := (yield from read()):
            arrived = True
            for event in events_of(course.service, parser, portion):
                yield from _tell(course, event)
                if course.ended:
                    return True
            if course.left() < silence_s - LATE_S:
                return False  # silence would outlast the caller's time: the next stream is opened for less
    except LostError as lost:
        course.left()
        if not lost.timed_out:
            raise
        return not arrived
    raise LostError("the stream of events has ended", sent=True)


def _tell(course: _Course[R], event: Event) -> Steps[None]:
    if event.name == course.subject.name and event.last_id != course.last_id:
        course.seen = record_of(course.service, course.subject.kind, event)
        course.last_id, course.tried = event.last_id, True
        course.tries.succeeded()
        yield Tell(course.seen)


def _by_asking(course: _Course[R], wait_s: int) -> Steps[None]:
    """Tells what one look brings, if it is anything new."""
    left = course.left()
    began = time.monotonic()
    look = course.subject.look(int(min(wait_s, left)))
    within_s = min(course.service.timeout_s, left - look.waits_s + LATE_S)
    seen = yield from ask(course.service, look, until=course.until, within_s=within_s)
    if course.seen is None or _told(seen) != _told(course.seen):
        course.seen = seen
        yield Tell(seen)
    if not course.ended:
        yield Pause(min(course.left(), max(0.0, SOON_S - (time.monotonic() - began))))


def _told(seen: Job | Batch) -> object:
    """What makes it worth telling again: the time that it has taken so far does not."""
    return (seen.state, seen.attempt, seen.progress) if isinstance(seen, Job) else (seen.counts, seen.progress)


def with_headers(call: Call[None], headers: tuple[tuple[str, str], ...]) -> Call[None]:
    """The call with some more headers."""
    return replace(call, headers=(*call.headers, *headers))


def opened(service: Service, head: Head) -> Steps[bool]:
    """Whether a stream of events has been opened; False where something else came, as if all were well.

    Raises `RefusedError` and `NotOffloadError`.
    """
    if head.status == 200:
        service.met = True
        return reading.media_type(head.headers.get("content-type", "")) == "text/event-stream"
    read_answer(service, NOTHING, (yield from read_rest(head)))
    return False


def events_of(service: Service, parser: Parser, portion: bytes) -> list[Event]:
    """The events that some more bytes complete. Raises `NotOffloadError`."""
    try:
        return list(parser.feed(portion))
    except ValueError as error:
        raise NotOffloadError(service.url, str(error)) from None


def record_of(service: Service, kind: type[K], event: Event) -> K:
    """The record that an event tells. Raises `NotOffloadError`."""
    try:
        return reading.record(kind, reading.decoded(event.data))
    except ValueError as error:
        raise NotOffloadError(service.url, str(error)) from None
