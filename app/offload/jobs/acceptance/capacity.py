"""The limits of the queue."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from offload.errors import QueueFullError, QuotaExceededError
from offload.jobs.dispatch.live import LiveJobs
from offload.jobs.dispatch.queue import FairQueue


class Capacity:
    """Keeps the queue, and each owner's part of it, within limits.

    Jobs whose acceptance is being written count as queued. The parameters of live jobs are in memory, so their total
    size has a limit as well. Without keys, all callers share the anonymous owner.
    """

    def __init__(
        self, queue: FairQueue, live: LiveJobs, *, limit: int, owner_limit: int = 0, params_bytes: int = 256 << 20
    ) -> None:
        """`owner_limit` 0 means no limit."""
        self._queue = queue
        self._live = live
        self._limit = limit
        self._owner_limit = owner_limit
        self._params_limit = params_bytes
        self._reserved: Counter[str | None] = Counter()
        self._reserved_bytes = 0

    @contextmanager
    def reserve(self, owner: str | None, params: Sequence[bytes]) -> Iterator[None]:
        """Reserve capacity for an owner's new jobs, with these parameters, until they are in the queue.

        Raises `QuotaExceededError` or `QueueFullError` if there is not enough.
        """
        jobs, size = len(params), sum(map(len, params))
        if self._owner_limit and self._queue.count(owner) + self._reserved[owner] + jobs > self._owner_limit:
            raise QuotaExceededError(
                f"One owner may have {self._owner_limit} queued jobs. Nothing was accepted.", retry_after=1
            )
        if len(self._queue) + self._reserved.total() + jobs > self._limit:
            raise QueueFullError(f"The queue takes {self._limit} jobs. Nothing was accepted.", retry_after=1)
        if self._live.params_bytes + self._reserved_bytes + size > self._params_limit:
            raise QueueFullError(
                f"The parameters of queued jobs may take {self._params_limit >> 20} MiB. Nothing was accepted.",
                retry_after=1,
            )
        self._reserved[owner] += jobs
        self._reserved_bytes += size
        try:
            yield
        finally:
            self._reserved[owner] -= jobs
            self._reserved_bytes -= size
