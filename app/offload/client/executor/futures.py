"""Futures of jobs, and the work items that wait to be submitted."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any


class RemoteFuture(Future[Any]):
    """The result of a job as plain data, `JobFailedError` or `CancelledError`.

    A `concurrent.futures.Future` with two differences: `cancel()` also stops a running job, so it may return True while
    `running()`; and it has a `job_id`.
    """

    def __init__(self, on_cancel: Callable[["RemoteFuture"], None]) -> None:
        super().__init__()
        self._on_cancel = on_cancel
        self._job_id: str | None = None
        self._in_lane = False

    @property
    def job_id(self) -> str | None:
        """The job's id, once the service has accepted it."""
        return self._job_id

    def running(self) -> bool:
        """Return True while a process of the service runs the job."""
        return self._in_lane and not self.done()

    def cancel(self) -> bool:
        """Cancel the job, queued or running. Return False if it has already ended.

        The future is cancelled immediately: `result()` raises `CancelledError`. `wait` and `as_completed` count it as
        done once the job has ended and its process is gone, which takes less than a second.
        """
        already_cancelled = self.cancelled()
        if not super().cancel():
            return False
        if not already_cancelled:
            self._on_cancel(self)
        return True

    # For the executor

    def set_job_id(self, job_id: str) -> None:
        """The service has accepted the job."""
        self._job_id = job_id

    def set_in_lane(self, in_lane: bool) -> None:
        """A process runs the job, or does not any more."""
        self._in_lane = in_lane

    def mark_cancelled(self) -> None:
        """The job is cancelled, or is being cancelled by other means."""
        super().cancel()


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class WorkItem:
    """A call that was submitted to the executor."""

    future: RemoteFuture
    task: str
    params: Mapping[str, Any]


@dataclass(eq=False, slots=True, kw_only=True)
class Submission:
    """Work items that are sent together: one as a job, or the members of a batch."""

    items: Sequence[WorkItem]
    is_batch: bool
    batch_id: str | None = None
    """The batch's id, once the service has accepted it."""

    @property
    def futures(self) -> Sequence[RemoteFuture]:
        """The futures, in the order of the items."""
        return [item.future for item in self.items]
