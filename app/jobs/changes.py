"""Who is told when a job changes."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager


class Changes:
    """Wakes those who watch a job, whenever it has a new record or news of its attempt. `close` wakes all, for good."""

    def __init__(self) -> None:
        self._watchers: dict[str, set[asyncio.Event]] = {}
        self.closed = False

    def tell(self, job_id: str) -> None:
        """The job has changed, and what can be seen of it is on disk if it is terminal."""
        for event in self._watchers.get(job_id, ()):
            event.set()

    @contextmanager
    def watch(self, job_id: str) -> Iterator[asyncio.Event]:
        """An event that is set at each change of the job. Who waits again clears it before looking at the job."""
        event = asyncio.Event()
        watchers = self._watchers.setdefault(job_id, set())
        watchers.add(event)
        try:
            yield event
        finally:
            watchers.discard(event)
            if not watchers:
                self._watchers.pop(job_id, None)

    def close(self) -> None:
        """Wakes everybody: the service is stopping."""
        self.closed = True
        for job_id in self._watchers:
            self.tell(job_id)
