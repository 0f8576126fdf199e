"""Resident memory of all processes of a contender, its broker's included, before and after a burst."""

from collections.abc import Mapping
from functools import partial

from bench.contenders import Contender
from bench.load import post
from bench.metrics.burst import burst
from bench.runner import Metric, Turn
from bench.stand import Stand, warm


def turns(stand: Stand) -> list[Turn]:
    return [Turn(each.name, partial(_memory, each, stand.sizes.burst)) for each in stand.that_run()]


async def _memory(contender: Contender, jobs: int) -> Mapping[str, float]:
    with contender.start() as server:
        await warm(server)
        idle = server.pss_bytes()
        await burst(server.port, [post("/jobs/noop")] * jobs)
        return {"idle MiB": idle / 2**20, "after a burst MiB": server.pss_bytes() / 2**20}


METRIC = Metric("memory", "resident memory (PSS) of all processes, idle and after a burst", turns, alone=True)
