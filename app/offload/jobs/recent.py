"""Terminal jobs that were used recently, in memory, so that polling them needs no read from disk."""

import sys
from collections import OrderedDict

from offload.jobs.model import Job

RECORD_BYTES = 1024
"""The approximate size of a record without its texts, its parameters and its result."""


class RecentJobs:
    """The most recently used terminal jobs, up to a number of bytes. Terminal records never change."""

    def __init__(self, max_bytes: int = 32 << 20) -> None:
        self._jobs: OrderedDict[str, Job] = OrderedDict()
        self._free_bytes = max_bytes
        self.generation = 0
        """Counts the dropped jobs. If it changes while a job is read from disk, that job must not be put here."""

    def get(self, job_id: str) -> Job | None:
        """Return the job, which is now the most recently used; None if it is not here."""
        job = self._jobs.get(job_id)
        if job is not None:
            self._jobs.move_to_end(job_id)
        return job

    def put(self, job: Job) -> None:
        """Put a terminal job, and drop those that were not used for longest."""
        self._remove(job.id)
        self._jobs[job.id] = job
        self._free_bytes -= _size(job)
        while self._free_bytes < 0:
            _, oldest = self._jobs.popitem(last=False)
            self._free_bytes += _size(oldest)

    def drop(self, job_id: str) -> None:
        """Drop a job that was deleted."""
        self.generation += 1
        self._remove(job_id)

    def _remove(self, job_id: str) -> None:
        job = self._jobs.pop(job_id, None)
        if job is not None:
            self._free_bytes += _size(job)


def _size(job: Job) -> int:
    """Return about how much memory a job takes. A failure's texts or labels may be ten times as much as the rest."""
    texts: list[str | bytes | None] = [job.params, job.result, *job.labels]
    if job.failure is not None:
        texts += [job.failure.detail, job.failure.traceback]
    return RECORD_BYTES + sum(map(sys.getsizeof, texts))
