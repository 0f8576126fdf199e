"""One job at a time on an idle service: from the submission until its end is known, by waiting and by polling."""

import time
from collections.abc import Mapping
from functools import partial

from bench.contenders import Contender
from bench.load import Conversation, converse, get, load, post, quantile_ms
from bench.runner import Metric, Turn
from bench.shown import has_ended, id_of
from bench.stand import Stand


def turns(stand: Stand) -> list[Turn]:
    return [Turn(each.name, partial(_one_by_one, stand, each)) for each in stand.that_run()]


async def _one_by_one(stand: Stand, contender: Contender) -> Mapping[str, float]:
    server, jobs = await stand.server(contender), stand.sizes.single
    seconds: list[float] = []
    await converse(server.port, _by_polling(jobs, seconds))
    figures = {"polling p50 ms": quantile_ms(seconds, 0.5), "polling p99 ms": quantile_ms(seconds, 0.99)}
    if contender.waits:
        waited = await load(server.port, [post("/jobs/noop", Prefer="wait=30")] * jobs, connections=1)
        if not all(has_ended(answer) for answer in waited.answers):
            raise RuntimeError("a wait ended before the job")
        figures |= {"waiting p50 ms": waited.p50_ms, "waiting p99 ms": waited.p99_ms}
    return figures


def _by_polling(jobs: int, seconds: list[float]) -> Conversation:
    for _ in range(jobs):
        begin = time.perf_counter()
        path = f"/jobs/{id_of((yield post('/jobs/noop')).expect(202))}"
        while not has_ended((yield get(path))):
            pass
        seconds.append(time.perf_counter() - begin)


METRIC = Metric("idle", "one no-op at a time: until its end is known, by `Prefer: wait` and by polling", turns)
