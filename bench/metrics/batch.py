"""The tutorial's example: fibonacci of 30, 32, 34 and 36 by recursion, as one batch and by bare processes."""

import json
import multiprocessing
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial

from bench.contenders import OFFLOAD, WORKERS, NotThereError
from bench.load import ask, get, load, post
from bench.runner import Metric, Turn
from bench.shown import has_ended, id_of
from bench.stand import Stand
from offload.tasks.fibonacci import Fibonacci, fibonacci

NUMBERS = (30, 32, 34, 36)


def turns(stand: Stand) -> list[Turn]:
    return [
        Turn(OFFLOAD.name, partial(_offload, stand)),
        Turn(f"{OFFLOAD.name}, four jobs", partial(_four_jobs, stand)),
        Turn("one after the other", partial(_bare, NUMBERS, 1)),
        Turn(f"{WORKERS} processes, in order", partial(_bare, NUMBERS, WORKERS)),
        Turn(f"{WORKERS} processes, most expensive first", partial(_bare, NUMBERS[::-1], WORKERS)),
        Turn("36 alone", partial(_bare, NUMBERS[-1:], 1)),
    ]


async def _offload(stand: Stand) -> Mapping[str, float]:
    server = await stand.server(OFFLOAD)
    jobs = [{"task": "fibonacci", "params": {"n": n, "algorithm": "recursive"}} for n in NUMBERS]
    begin = time.perf_counter()
    accepted = await ask(server.port, post("/batches", json.dumps({"jobs": jobs}).encode()))
    if accepted.status in (404, 405):
        raise NotThereError("this version has no POST /batches yet")
    batch = (await ask(server.port, get(f"/batches/{id_of(accepted.expect(202))}?wait=60"))).expect(200)
    seconds = time.perf_counter() - begin
    if json.loads(batch.body)["counts"]["succeeded"] != len(NUMBERS):
        raise RuntimeError(f"the batch has not succeeded: {batch.body[:500]!r}")
    return {"s": seconds}


async def _four_jobs(stand: Stand) -> Mapping[str, float]:
    """Runs the most expensive first, and waits for each."""
    server = await stand.server(OFFLOAD)
    bodies = [json.dumps({"n": n, "algorithm": "recursive"}).encode() for n in NUMBERS[::-1]]
    requests = [post("/jobs/fibonacci", body, Prefer="wait=60") for body in bodies]
    waited = await load(server.port, requests, connections=len(NUMBERS))
    if not all(has_ended(answer) for answer in waited.answers):
        raise RuntimeError("a job took more than a minute")
    return {"s": waited.seconds}


async def _bare(numbers: Sequence[int], processes: int) -> Mapping[str, float]:
    """Runs the same function in a pool with started processes."""
    with ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("forkserver")) as pool:
        list(pool.map(_recursive, [1] * 4 * processes))
        begin = time.perf_counter()
        list(pool.map(_recursive, numbers))
        return {"s": time.perf_counter() - begin}


def _recursive(n: int) -> None:
    fibonacci(Fibonacci(n=n, algorithm="recursive"))


METRIC = Metric("batch", "fibonacci of 30, 32, 34, 36 by recursion, as one batch", turns)
