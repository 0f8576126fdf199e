"""Submissions: requests per second with 64 connections, and how long one takes, alone and among many.

The workers run what is submitted meanwhile, on the same cores. `lanes held` is the service with its lanes kept by jobs
that use no CPU: what acceptance alone costs.
"""

from collections.abc import Mapping
from functools import partial

from bench.contenders import Contender, Server, offload
from bench.load import ask, converse, load, post
from bench.runner import Metric, Turn
from bench.shown import id_of, until_ended
from bench.stand import Sizes, Stand

NOOP = post("/jobs/noop")

_SOON_S = 10.0
"""A contender that has not run its jobs by then is restarted, empty."""


def turns(stand: Stand) -> list[Turn]:
    contenders = [each for each in stand.contenders if not each.runs]
    found = [Turn(each.name, partial(_running, stand, each)) for each in [*stand.that_run(extra=True), *contenders]]
    return [*found, Turn("Offload, lanes held", partial(_held, stand.sizes))]


async def _running(stand: Stand, contender: Contender) -> Mapping[str, float]:
    server = await stand.server(contender)
    figures = await _submit(server, stand.sizes)
    last = (await ask(server.port, NOOP)).expect(202)
    try:
        await converse(server.port, until_ended(f"/jobs/{id_of(last)}"), within=_SOON_S)
    except TimeoutError:
        stand.end(contender.name)  # its remaining work would disturb the next turn
    return figures


async def _held(sizes: Sizes) -> Mapping[str, float]:
    with offload(queue_limit=str(10**6)) as server:
        await load(server.port, [post("/jobs/hold", b'{"seconds":300}')] * 2, connections=1)
        return await _submit(server, sizes)


async def _submit(server: Server, sizes: Sizes) -> Mapping[str, float]:
    many = await load(server.port, [NOOP] * sizes.requests, connections=64)
    one = await load(server.port, [NOOP] * sizes.single, connections=1)
    for answer in (*many.answers, *one.answers):
        answer.expect(202)
    return {
        "c=64 /s": many.per_s,
        "c=64 p50 ms": many.p50_ms,
        "c=64 p99 ms": many.p99_ms,
        "c=1 /s": one.per_s,
        "c=1 p50 ms": one.p50_ms,
        "c=1 p99 ms": one.p99_ms,
    }


METRIC = Metric("submit", "submissions: throughput and latency, 64 connections and one", turns)
