"""A burst of no-ops: jobs per second from the first submission until the end of every job is known."""

import time
from collections.abc import Mapping, Sequence
from functools import partial

from bench.contenders import Contender
from bench.load import Conversation, converse, get, load, post
from bench.runner import Metric, Turn
from bench.shown import has_ended, id_of
from bench.stand import Stand

CONNECTIONS = 32

LIMIT_S = 240.0

_NEWEST = 64
"""When these jobs are done, almost all are."""


def turns(stand: Stand) -> list[Turn]:
    return [Turn(each.name, partial(_noops, stand, each)) for each in stand.that_run(extra=True)]


async def _noops(stand: Stand, contender: Contender) -> Mapping[str, float]:
    server = await stand.server(contender)
    jobs = stand.sizes.burst
    return {"jobs/s": jobs / await burst(server.port, [post("/jobs/noop")] * jobs)}


async def burst(port: int, requests: Sequence[bytes], *, pause_s: float = 0.002) -> float:
    """Returns the seconds from the first submission until all jobs are known to have ended. Polls after each pause."""
    begin = time.perf_counter()
    submitted = await load(port, requests, connections=CONNECTIONS)
    paths = [f"/jobs/{id_of(answer.expect(202))}" for answer in reversed(submitted.answers)]
    seen: list[float] = []
    await converse(port, _all_ended(paths, seen, pause_s), within=LIMIT_S)
    return seen[-1] - begin


def _all_ended(newest_first: Sequence[str], seen: list[float], pause_s: float) -> Conversation:
    """Polls every job, the newest first, and records when the last of them had ended.

    A look at each costs more than what is measured, so the rest are only made sure of: the clock has stopped when the
    newest had ended, unless one of the others has not.
    """
    for place, path in enumerate(newest_first):
        waited = False
        while not has_ended((yield get(path))):
            waited = True
            yield pause_s
        if place < _NEWEST or waited:
            seen.append(time.perf_counter())


METRIC = Metric("burst", "no-ops: jobs per second until every outcome is visible", turns, limit_s=LIMIT_S)
