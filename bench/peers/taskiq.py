"""Taskiq: a Redis stream, which acknowledges, and results in Redis."""

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from taskiq_redis import RedisAsyncResultBackend, RedisStreamBroker

from bench import work

_REDIS = os.environ["BENCH_BROKER"]

results = RedisAsyncResultBackend(_REDIS, result_ex_time=3600)
broker = RedisStreamBroker(_REDIS).with_result_backend(results)
tasks = {name: broker.task(task_name=name)(getattr(work, name)) for name in ("noop", "burn")}


@asynccontextmanager
async def lifespan(_: object) -> AsyncIterator[None]:
    """Keeps the connection."""
    await broker.startup()
    yield
    await broker.shutdown()


async def submit(task: str, arguments: Mapping[str, int]) -> str:
    """Submits a job."""
    job_id: str = (await tasks[task].kiq(**arguments)).task_id
    return job_id


async def ended(job_id: str) -> bool:
    """Returns True if its result exists."""
    return bool(await results.is_result_ready(job_id))
