"""Terminal jobs that were seen lately, so that polling them does not reach the disk."""

import sys
from collections import OrderedDict

from offload.jobs.model import Job

RECORD_BYTES = 1024
"""About what a record takes besides its texts, its parameters and its result."""


class RecentJobs:
    """The most recently used terminal jobs, up to a number of bytes. Terminal records never change."""

    def __init__(self, max_bytes: int = 32 << 20) -> None:
        self._jobs: OrderedDict[str, Job] = OrderedDict()
        self._room = max_bytes
        self.generation = 0
        """Counts what was dropped: who reads a job from disk meanwhile must not put it back."""

    def get(self, job_id: str) -> Job | None:
        """The job, which is now the most recently used; None where it is not remembered here."""
        job = self._jobs.get(job_id)
        if job is not None:
            self._jobs.move_to_end(job_id)
        return job

    def put(self, job: Job) -> None:
        """Remembers a terminal job and lets go of those not used for longest."""
        self._remove(job.id)
        self._jobs[job.id] = job
        self._room -= _size(job)
        while self._room < 0:
            _, oldest = self._jobs.popitem(last=False)
            self._room += _size(oldest)

    def drop(self, job_id: str) -> None:
        """Lets go of a job that has been forgotten."""
        self.generation += 1
        self._remove(job_id)

    def _remove(self, job_id: str) -> None:
        job = self._jobs.pop(job_id, None)
        if job is not None:
            self._room += _size(job)


def _size(job: Job) -> int:
    """About what it takes in memory. A failure's texts may be ten times as much as the rest, and so may labels."""
    texts: list[str | bytes | None] = [job.params, job.result, *job.labels]
    if job.failure is not None:
        texts += [job.failure.detail, job.failure.traceback]
    return RECORD_BYTES + sum(map(sys.getsizeof, texts))
