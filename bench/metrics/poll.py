"""Polls: requests per second with 64 connections, of finished jobs and of running ones."""

from collections.abc import Mapping, Sequence
from functools import partial
from itertools import cycle, islice

from bench.contenders import OFFLOAD, WORKERS, Contender
from bench.load import Answer, Load, ask, converse, get, load, post
from bench.runner import Metric, Turn
from bench.shown import id_of, until_ended
from bench.stand import Stand

_DIFFERENT = 100
"""The finished jobs that are polled in turn."""


def turns(stand: Stand) -> list[Turn]:
    known = [each for each in stand.contenders if not each.extra]
    return [Turn(each.name, partial(_polls, stand, each)) for each in known]


async def _polls(stand: Stand, contender: Contender) -> Mapping[str, float]:
    server = await stand.server(contender)
    finished = (await load(server.port, [post("/jobs/noop")] * _DIFFERENT, connections=8)).answers
    if contender.runs:
        await converse(server.port, *(until_ended(f"/jobs/{id_of(each)}") for each in finished))
    polled = await _poll(server.port, finished, stand.sizes.requests)
    figures = {"finished /s": polled.per_s, "finished p99 ms": polled.p99_ms}
    if contender is OFFLOAD:
        figures["running /s"] = (await _running(server.port, stand.sizes.requests)).per_s
    return figures


async def _running(port: int, requests: int) -> Load:
    holds = (await load(port, [post("/jobs/hold", b'{"seconds":60}')] * WORKERS, connections=1)).answers
    try:
        polled = await _poll(port, holds, requests)
        if any(b'"state":"running"' not in answer.body for answer in polled.answers[-WORKERS:]):
            raise RuntimeError("the jobs did not run while they were polled")
        return polled
    finally:
        for job in holds:
            await ask(port, post(f"/jobs/{id_of(job)}/cancel"))


async def _poll(port: int, jobs: Sequence[Answer], requests: int) -> Load:
    paths = [get(f"/jobs/{id_of(each.expect(202))}") for each in jobs]
    polled = await load(port, islice(cycle(paths), requests), connections=64)
    for answer in polled.answers:
        answer.expect(200)
    return polled


METRIC = Metric("poll", "polls of finished and of running jobs, 64 connections", turns)
