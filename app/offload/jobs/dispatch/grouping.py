"""Which queued jobs go to a lane together.

To dispatch a job costs about half a millisecond. Jobs that take less than that are dispatched in groups.
"""

from collections.abc import Sequence

from offload.jobs.dispatch.live import LiveJobs
from offload.jobs.dispatch.queue import FairQueue
from offload.jobs.model import Job
from offload.jobs.statistics import Statistics

QUICK_S = 0.0005
"""A job that is expected to take less than this is quick."""

GROUP_JOBS = 32
"""The most jobs in a group."""

GROUP_S = 0.002
"""The time that a group is expected to take. A client that waits for one of its jobs notices no delay."""

GROUP_BYTES = 4096
"""The size of a group's parameters."""


def next_group(queue: FairQueue, live: LiveJobs, statistics: Statistics) -> Sequence[Job]:
    """Take the next job out of the queue; if it is quick, also the quick jobs behind it. Empty for an empty queue."""

    def expected_s(job: Job) -> float:
        return max(job.cost, statistics.usual_s(job.task))

    def is_quick(job_id: str) -> bool:
        return expected_s(live[job_id]) < QUICK_S

    jobs: list[Job] = []
    size, seconds = 0, 0.0
    while len(jobs) < GROUP_JOBS and size < GROUP_BYTES and seconds < GROUP_S:
        job_id = queue.pop(is_quick if jobs else None)
        if job_id is None:
            break
        jobs.append(job := live[job_id])
        size += len(job.params)
        seconds += expected_s(job)
    return jobs
