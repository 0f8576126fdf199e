"""The futures that have not ended. Only the executor's event loop uses this, so nothing is locked."""

import asyncio
from collections.abc import Iterable

from offload.client.executor.futures import RemoteFuture


class PendingFutures:
    """Futures that have not ended, and the jobs of those that the service has accepted."""

    def __init__(self) -> None:
        self._futures: set[RemoteFuture] = set()
        self._by_job: dict[str, RemoteFuture] = {}
        self._closing = False
        self.some = asyncio.Event()
        """Set while there are any."""
        self.none = asyncio.Event()
        """Set while there are none, after the first."""
        self.closed = asyncio.Event()
        """Set when there are none after `close`."""

    def __contains__(self, future: RemoteFuture) -> bool:
        return future in self._futures

    @property
    def jobs(self) -> set[str]:
        """The ids of their jobs."""
        return set(self._by_job)

    def of_job(self, job_id: str) -> RemoteFuture | None:
        """Return the future that waits for this job."""
        return self._by_job.get(job_id)

    def add(self, futures: Iterable[RemoteFuture]) -> None:
        """Take new futures."""
        self._futures.update(futures)
        self.some.set()
        self.none.clear()

    def accept(self, future: RemoteFuture, job_id: str) -> None:
        """The service has accepted the future's job."""
        future.set_job_id(job_id)
        self._by_job[job_id] = future

    def take(self, job_id: str) -> None:
        """The outcome of this job is known; only its result is still to be fetched."""
        self._by_job.pop(job_id, None)

    def close(self) -> None:
        """No more futures will be added."""
        self._closing = True
        if not self._futures:
            self.closed.set()

    def succeed(self, future: RemoteFuture, result: object) -> None:
        """End a future with a result."""
        if self._remove(future) and future.set_running_or_notify_cancel():
            future.set_result(result)

    def fail(self, future: RemoteFuture, error: Exception) -> None:
        """End a future with an error."""
        if self._remove(future) and future.set_running_or_notify_cancel():
            future.set_exception(error)

    def end_cancelled(self, future: RemoteFuture) -> None:
        """End a future that was cancelled: from now on `wait` and `as_completed` count it as done."""
        if self._remove(future):
            future.set_running_or_notify_cancel()

    def fail_accepted(self, error: Exception) -> None:
        """End all futures that wait for a job with an error."""
        for future in list(self._by_job.values()):
            self.fail(future, error)

    def fail_all(self, error: Exception) -> None:
        """End all futures with an error."""
        for future in list(self._futures):
            self.fail(future, error)

    def _remove(self, future: RemoteFuture) -> bool:
        """Return True the first time."""
        if future not in self._futures:
            return False
        self._futures.remove(future)
        if future.job_id is not None:
            self._by_job.pop(future.job_id, None)
        if not self._futures:
            self.some.clear()
            self.none.set()
            if self._closing:
                self.closed.set()
        return True
