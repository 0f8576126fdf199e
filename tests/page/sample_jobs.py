"""Finished jobs of several kinds, made over the API."""

from pathlib import Path

from tests.support.caller import Caller, Json
from tests.support.server import Server
from tests.support.waiting import until_sync


def with_lost_attempt(server: Server, gate: Path) -> Json:
    """Returns a job whose first worker was killed and whose second attempt succeeded."""
    job_id = server.api.submit("hold", {"gate": str(gate)})["id"]
    server.api.lane_of(job_id).kill()
    until_sync(lambda: server.api.job(job_id)["attempt"] == 2, what="the second attempt")
    gate.touch()
    return server.api.succeeded(job_id)


def that_raised(api: Caller, text: str = "to obey") -> Json:
    """Returns a job whose task raised an exception."""
    return api.failed(api.submit("refuse", {"text": text})["id"], "task-raised")


def with_log(api: Caller, words: str = "I go on.") -> Json:
    """Returns a job whose task printed and logged text."""
    return api.succeeded(api.submit("talk", {"gate": "/", "words": words})["id"])


def over_memory(api: Caller) -> Json:
    """Returns a job that exceeded its memory limit."""
    return api.failed(api.submit("eat", {}, memory_mb=96)["id"], "memory-exceeded")


def with_large_result(api: Caller, size: int = 100_000) -> Json:
    """Returns a job whose result is too large to be part of the job."""
    return api.succeeded(api.submit("blob", {"size": size, "seed": 7})["id"])
