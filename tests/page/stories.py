"""Jobs with a story, each made as a person's script would make it."""

from pathlib import Path

from tests.support.caller import Caller, Json
from tests.support.server import Server
from tests.support.waiting import until_sync


def retried(server: Server, gate: Path) -> Json:
    """A job whose first worker was killed, and whose second one succeeded."""
    job_id = server.api.submit("hold", {"gate": str(gate)})["id"]
    server.api.lane_of(job_id).kill()
    until_sync(lambda: server.api.job(job_id)["attempt"] == 2, what="the second attempt")
    gate.touch()
    return server.api.succeeded(job_id)


def raised(api: Caller, text: str = "to obey") -> Json:
    """A job whose task raised."""
    return api.failed(api.submit("refuse", {"text": text})["id"], "task-raised")


def talked(api: Caller, words: str = "I go on.") -> Json:
    """A job whose task has printed and logged something."""
    return api.succeeded(api.submit("talk", {"gate": "/", "words": words})["id"])


def over_memory(api: Caller) -> Json:
    """A job that took more memory than it may."""
    return api.failed(api.submit("eat", {}, memory_mb=96)["id"], "memory-exceeded")


def large(api: Caller, size: int = 100_000) -> Json:
    """A job whose result is too large to be shown in it."""
    return api.succeeded(api.submit("blob", {"size": size, "seed": 7})["id"])
