"""Who is told when a job or batch changes."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from offload.jobs.changes.feed import Feed
from offload.jobs.model import Job


class ChangeNotifier:
    """Wakes those who watch a job or a batch, whenever it or a member of it has a new record or news of its attempt.

    `close` wakes all, for good. Those who want to hear of every job are the feed's.
    """

    def __init__(self) -> None:
        self._watchers: dict[str, set[asyncio.Event]] = {}
        self.closed = False
        self.feed = Feed()

    def notify(self, job: Job) -> None:
        """The job has changed, and what can be seen of it is on disk if it is terminal."""
        self._wake(job.id)
        if job.batch_id is not None:
            self._wake(job.batch_id)
        if self.feed.noting:
            self.feed.note(job.id, job.owner)

    def notify_deleted(self, job: Job) -> None:
        """There is no such job any more."""
        if self.feed.noting:
            self.feed.note(job.id, job.owner, gone=True)

    def _wake(self, name: str) -> None:
        for event in self._watchers.get(name, ()):
            event.set()

    @contextmanager
    def watch(self, name: str) -> Iterator[asyncio.Event]:
        """An event that is set at each change of the job or batch with this id.

        Who waits again clears it before looking at the job.
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
        """Wakes everybody: the service is stopping."""
        self.closed = True
        for name in self._watchers:
            self._wake(name)
        self.feed.close()
