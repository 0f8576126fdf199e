"""Jobs that need the CPU, 80 ms and 20 ms of it each: jobs per second, beside bare processes that do the same work."""

import json
from collections.abc import Mapping
from functools import partial

from bench import bare_processes
from bench.contenders import WORKERS, Contender
from bench.load import post
from bench.metrics.burst import burst
from bench.runner import Metric, Turn
from bench.stand import Stand

MILLISECONDS = (80, 20)

LOOK_S = 0.01
"""The interval of polls: a hundredth of the measured time, and little CPU."""


def turns(stand: Stand) -> list[Turn]:
    found = [Turn(each.name, partial(_jobs, stand, each)) for each in stand.that_run()]
    return [*found, Turn(bare_processes.NAME, partial(_bare, stand))]


def burn(stand: Stand, ms: int) -> bytes:
    """Returns a submission with this amount of CPU."""
    return post("/jobs/burn", json.dumps({"rounds": _rounds(stand, ms)}).encode())


async def _jobs(stand: Stand, contender: Contender) -> Mapping[str, float]:
    server, jobs = await stand.server(contender), stand.sizes.burns
    return {
        f"{ms} ms jobs/s": jobs / await burst(server.port, [burn(stand, ms)] * jobs, pause_s=LOOK_S)
        for ms in MILLISECONDS
    }


async def _bare(stand: Stand) -> Mapping[str, float]:
    each = stand.sizes.burns // WORKERS
    return {
        f"{ms} ms jobs/s": each * WORKERS / await bare_processes.together("burn", _rounds(stand, ms), each)
        for ms in MILLISECONDS
    }


def _rounds(stand: Stand, ms: int) -> int:
    return int(stand.rounds_per_ms * ms)


METRIC = Metric("cpu", "jobs of 80 ms and of 20 ms of CPU, against two bare processes", turns)
