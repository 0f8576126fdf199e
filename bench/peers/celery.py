"""Celery: broker and results in Redis, prefork workers."""

import os
from collections.abc import Mapping

from celery import Celery

from bench import work

_REDIS = os.environ["BENCH_BROKER"]

queue = Celery("bench", broker=_REDIS, backend=_REDIS)
tasks = {name: queue.task(name=name)(getattr(work, name)) for name in ("noop", "burn")}


def submit(task: str, arguments: Mapping[str, int]) -> str:
    """Submits a job."""
    job_id: str = tasks[task].delay(**arguments).id
    return job_id


def ended(job_id: str) -> bool:
    """Returns True if its result exists."""
    return bool(queue.AsyncResult(job_id).ready())
