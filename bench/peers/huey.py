"""Huey on SQLite, which syncs each commit here: its default leaves that to SQLite's own default."""

import os
from collections.abc import Mapping

from huey import SqliteHuey

from bench import work

queue = SqliteHuey(filename=os.environ["BENCH_BROKER"], fsync=True, store_none=True)
tasks = {name: queue.task(name=name)(getattr(work, name)) for name in ("noop", "burn")}


def submit(task: str, arguments: Mapping[str, int]) -> str:
    """Submits a job."""
    job_id: str = tasks[task](**arguments).id
    return job_id


def ended(job_id: str) -> bool:
    """Returns True if its result exists. Reading the result would remove it."""
    return bool(queue.storage.has_data_for_key(job_id))
