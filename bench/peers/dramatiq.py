"""Dramatiq: broker and results in Redis."""

import os
from collections.abc import Mapping

import dramatiq
from dramatiq.brokers.redis import RedisBroker
from dramatiq.results import ResultMissing, Results
from dramatiq.results.backends import RedisBackend

from bench import work

_REDIS = os.environ["BENCH_BROKER"]

results = RedisBackend(url=_REDIS)
broker = RedisBroker(url=_REDIS)
broker.add_middleware(Results(backend=results, store_results=True))
dramatiq.set_broker(broker)
tasks = {name: dramatiq.actor(actor_name=name)(getattr(work, name)) for name in ("noop", "burn")}

_sent: dict[str, dramatiq.Message[object]] = {}
"""Results are read by message."""


def submit(task: str, arguments: Mapping[str, int]) -> str:
    """Submits a job."""
    message = tasks[task].send(**arguments)
    _sent[message.message_id] = message
    return str(message.message_id)


def ended(job_id: str) -> bool:
    """Returns True if its result exists."""
    try:
        results.get_result(_sent[job_id])
    except ResultMissing:
        return False
    return True
