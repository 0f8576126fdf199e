"""Follows one job or batch to its end: by its event stream, or by polling where no stream gets through."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Generic, TypeVar

from offload.client import api
from offload.client._async.events import QUIET_S, TRIAL_S, NoStreamError, read_event, receive_events
from offload.client._async.transport import AsyncTransport
from offload.client.errors import RefusedError, UnreachableError
from offload.client.records import Batch, Job
from offload.client.request import Request
from offload.client.sse import Parser

R = TypeVar("R", Job, Batch)

GRACE_S = 1.0
"""By how much a silent connection may outlast the caller's timeout."""

END_POLL_S = 20
"""How long one poll waits in the service where only the end matters."""

CHANGE_POLL_S = 2
"""The same where the caller wants to see changes."""

POLL_INTERVAL_S = 0.5
"""The least time between two polls."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject(Generic[R]):
    """A job or a batch, and the requests to follow it."""

    id: str
    kind: type[R]
    get: Callable[[int], Request[R]]
    """Called with how long the service waits for the end, in seconds."""
    events: Request[None]


def job_subject(job_id: str) -> Subject[Job]:
    """Return the subject for a job."""
    return Subject(id=job_id, kind=Job, get=lambda s: api.job(job_id, wait_s=s), events=api.job_events(job_id))


def batch_subject(batch_id: str) -> Subject[Batch]:
    """Return the subject for a batch."""
    return Subject(
        id=batch_id, kind=Batch, get=lambda s: api.batch(batch_id, wait_s=s), events=api.batch_events(batch_id)
    )


async def wait(
    transport: AsyncTransport,
    subject: Subject[R],
    *,
    timeout_s: float | None,
    on_change: Callable[[R], object] | None,
) -> R:
    """Return the job or batch once it has ended. Raises what `follow` raises."""
    changes = follow(transport, subject, timeout_s=timeout_s, closely=on_change is not None)
    async with aclosing(changes):
        async for seen in changes:
            if on_change is not None:
                on_change(seen)
    return seen


async def follow(
    transport: AsyncTransport, subject: Subject[R], *, timeout_s: float | None = None, closely: bool = True
) -> AsyncGenerator[R]:
    """Yield the job or batch now and after each change; the last time when it has ended.

    Raises `TimeoutError` after `timeout_s`. Where it has to poll, `closely` polls for changes and not only for the end.
    Raises what `send` raises.
    """
    deadline = None if timeout_s is None else time.monotonic() + timeout_s
    follower = Follower(transport, subject, deadline)
    if timeout_s is not None and timeout_s <= 0:
        yield await follower.look()
        follower.raise_if_late()
        return
    for changes in (follower.by_stream(), follower.by_polling(CHANGE_POLL_S if closely else END_POLL_S)):
        async with aclosing(changes):
            async for seen in changes:
                yield seen


class Follower(Generic[R]):
    """The state of following one job or batch."""

    def __init__(self, transport: AsyncTransport, subject: Subject[R], deadline: float | None) -> None:
        self._transport = transport
        self._subject: Subject[R] = subject
        self._deadline = deadline
        self._seen: R | None = None

    @property
    def ended(self) -> bool:
        """Whether the job or batch has ended, as far as it was seen."""
        return self._seen is not None and self._seen.ended

    async def look(self) -> R:
        """Return the job or batch as it is now."""
        seen = await self._transport.send(self._subject.get(0))
        self._seen = seen
        return seen

    async def by_stream(self) -> AsyncGenerator[R]:
        """Yield changes from event streams, up to the end or until no stream gets through."""
        retries = self._transport.retries(self._deadline)
        last_id = ""
        while True:
            timeout_s = min(QUIET_S if last_id else TRIAL_S, self._remaining_s())
            events = receive_events(self._transport, self._subject.events, Parser(last_id), timeout_s)
            try:
                async with aclosing(events):
                    async for portion in events:
                        for event in portion:
                            if event.name == self._subject.kind.__name__.lower() and event.last_id != last_id:
                                last_id = event.last_id
                                retries.reset()
                                self._seen = read_event(self._transport, self._subject.kind, event)
                                yield self._seen
                                if self._seen.ended:
                                    return
                        if self._remaining_s() < timeout_s - GRACE_S:
                            break  # silence would outlast the deadline: the next stream has a shorter timeout
            except NoStreamError:
                return
            except (RefusedError, UnreachableError) as error:
                await self._transport.back_off(retries, error)

    async def by_polling(self, wait_s: int) -> AsyncGenerator[R]:
        """Yield changes from polls. Each poll waits in the service for the end, at most `wait_s`."""
        while not self.ended:
            remaining_s = self._remaining_s()
            started = time.monotonic()
            request = self._subject.get(int(min(wait_s, remaining_s)))
            timeout_s = min(self._transport.timeout_s, remaining_s - request.wait_s + GRACE_S)
            seen = await self._transport.send(request, deadline=self._deadline, timeout_s=timeout_s)
            changed = self._seen is None or _progress(seen) != _progress(self._seen)
            self._seen = seen
            if changed:
                yield seen
            if not seen.ended:
                pause_s = max(0.0, POLL_INTERVAL_S - (time.monotonic() - started))
                await asyncio.sleep(min(self._remaining_s(), pause_s))

    def raise_if_late(self) -> None:
        """Raise `TimeoutError` where it has not ended before the deadline."""
        if not self.ended:
            self._remaining_s()

    def _remaining_s(self) -> float:
        """Return the seconds until the deadline. Raises `TimeoutError` where there are none."""
        if self._deadline is None:
            return float("inf")
        remaining_s = self._deadline - time.monotonic()
        if remaining_s <= 0:
            state = "could not be looked at in time" if self._seen is None else f"is still {_state(self._seen)}"
            name = f"{self._subject.kind.__name__} {self._subject.id}"
            raise TimeoutError(f"{name} {state}; it continues in the service.")
        return remaining_s


def _state(seen: Job | Batch) -> str:
    return seen.state if isinstance(seen, Job) else f"at {seen.progress.done} of {seen.progress.total} jobs"


def _progress(seen: Job | Batch) -> object:
    """Return what counts as a change. The time used so far does not."""
    return (seen.state, seen.attempt, seen.progress) if isinstance(seen, Job) else (seen.counts, seen.progress)
