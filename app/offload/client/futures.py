"""Futures whose work is jobs of a service."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any


class RemoteFuture(Future[Any]):
    """What a job will come to: its result as plain data, `JobFailedError`, or `CancelledError`.

    A `concurrent.futures.Future` with two differences: `cancel()` also stops what is running, and so may answer True
    while `running()`; and it has a `job_id`.
    """

    def __init__(self, stop: Callable[["RemoteFuture"], None]) -> None:
        super().__init__()
        self._stop = stop
        self._job_id: str | None = None
        self._in_lane = False

    @property
    def job_id(self) -> str | None:
        """The job's id, once the service has accepted it."""
        return self._job_id

    def running(self) -> bool:
        """True while a process of the service runs the job."""
        return self._in_lane and not self.done()

    def cancel(self) -> bool:
        """Cancels the job, queued or running; False where it is too late.

        The future is cancelled at once, and so is what waits for its result. `wait` and `as_completed` count it as done
        when the job is no more, its process included, which takes less than a second.
        """
        told = self.cancelled()
        if not super().cancel():
            return False
        if not told:
            self._stop(self)
        return True

    def accepted_as(self, job_id: str) -> None:
        """For the executor: the service has accepted it."""
        self._job_id = job_id

    def in_lane(self, running: bool) -> None:
        """For the executor: a process runs it, or does not any more."""
        self._in_lane = running

    def cancel_quietly(self) -> None:
        """For the executor: the job is cancelled, or is being cancelled by other means."""
        super().cancel()


@dataclass(eq=False, slots=True, kw_only=True)
class Lot:
    """What is sent together: one job, or the members of a batch. Futures and what they want are in the same order."""

    futures: Sequence[RemoteFuture]
    wanted: Sequence[tuple[str, Mapping[str, Any]]]
    """Names of tasks, and parameters."""
    batch: bool = False
    batch_id: str | None = None
    """Once the service has accepted it."""
