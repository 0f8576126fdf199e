"""Who is told when a job changes."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from app.jobs.model import Job


class Changes:
    """Wakes those who wait for a job to become terminal. `close` wakes all of them, for good."""

    def __init__(self) -> None:
        self._waiters: dict[str, set[asyncio.Event]] = {}
        self.closed = False

    def publish(self, job: Job) -> None:
        """Tells that a job has a new record, which is on disk if it is terminal."""
        if job.state.terminal:
            for event in self._waiters.pop(job.id, ()):
                event.set()

    @contextmanager
    def watch(self, job_id: str) -> Iterator[asyncio.Event]:
        """An event that is set when the job becomes terminal, or when nothing more will be told."""
        event = asyncio.Event()
        if self.closed:
            event.set()
        waiters = self._waiters.setdefault(job_id, set())
        waiters.add(event)
        try:
            yield event
        finally:
            waiters.discard(event)
            if not waiters and self._waiters.get(job_id) is waiters:
                del self._waiters[job_id]

    def close(self) -> None:
        """Wakes everybody: the service is stopping."""
        self.closed = True
        for waiters in self._waiters.values():
            for event in waiters:
                event.set()
