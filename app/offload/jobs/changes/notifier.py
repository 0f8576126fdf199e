"""Notifies those that watch a job or a batch."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from offload.jobs.changes.feed import ChangeFeed
from offload.jobs.model import Job


class ChangeNotifier:
    """Wakes the watchers of a job, and those of its batch, when it has a new record or new progress.

    Readers that follow all jobs use `feed`.
    """

    def __init__(self) -> None:
        self._watchers: dict[str, set[asyncio.Event]] = {}
        self.closed = False
        self.feed = ChangeFeed()

    def notify(self, job: Job) -> None:
        """Note that a job has changed. A terminal record must be on disk."""
        self._wake(job.id)
        if job.batch_id is not None:
            self._wake(job.batch_id)
        if self.feed.noting:
            self.feed.note(job.id, job.owner)

    def notify_deleted(self, job: Job) -> None:
        """Note that a job was deleted."""
        if self.feed.noting:
            self.feed.note(job.id, job.owner, gone=True)

    def _wake(self, name: str) -> None:
        for event in self._watchers.get(name, ()):
            event.set()

    @contextmanager
    def watch(self, name: str) -> Iterator[asyncio.Event]:
        """Provide an event that is set at each change of the job or batch with this id.

        To wait again, clear the event first and read the job afterwards.
        """
        event = asyncio.Event()
        watchers = self._watchers.setdefault(name, set())
        watchers.add(event)
        try:
            yield event
        finally:
            watchers.discard(event)
            if not watchers:
                self._watchers.pop(name, None)

    def close(self) -> None:
        """Wake all watchers and readers permanently: the service is stopping."""
        self.closed = True
        for name in self._watchers:
            self._wake(name)
        self.feed.close()
