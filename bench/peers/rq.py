"""RQ: Redis, and a worker that forks for each job."""

import os
from collections.abc import Mapping

from redis import Redis
from rq import Queue
from rq.job import Job

from bench import work

redis = Redis.from_url(os.environ["BENCH_BROKER"])
queue = Queue(connection=redis)


def submit(task: str, arguments: Mapping[str, int]) -> str:
    """Submits a job."""
    job_id: str = queue.enqueue(getattr(work, task), kwargs=dict(arguments)).id
    return job_id


def ended(job_id: str) -> bool:
    """Returns True if it has succeeded."""
    return bool(Job(job_id, connection=redis).get_status() == "finished")
