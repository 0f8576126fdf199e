"""The service with a large journal: latency of submit, poll and list; memory; start."""

import tempfile
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from itertools import cycle, islice
from pathlib import Path

from bench.contenders import Server, offload
from bench.filling import fill
from bench.load import Load, get, load, post
from bench.runner import Metric, Turn
from bench.shown import id_of
from bench.stand import Stand

_LISTS = 50


def turns(stand: Stand) -> list[Turn]:
    many = stand.sizes.grown
    sizes = [(0, 0), (many // 10, 0), (many, 0), (0, many), (0, many * 10)]
    place = Path(stand.resources.enter_context(tempfile.TemporaryDirectory(prefix="offload-bench-growth-")))
    filled: dict[Path, list[str]] = {}

    def turn(queued: int, finished: int) -> Turn:
        directory = place / f"{queued}-{finished}"
        directory.mkdir()
        return Turn(_row(queued, finished), partial(_with, stand, directory, filled, queued, finished))

    return [turn(*each) for each in sizes]


def _row(queued: int, finished: int) -> str:
    if queued or finished:
        return f"{queued or finished:,} {'queued' if queued else 'finished'}"
    return "no jobs"


async def _with(
    stand: Stand, directory: Path, filled: dict[Path, list[str]], queued: int, finished: int
) -> Mapping[str, float]:
    if directory not in filled:
        filled[directory] = await fill(directory, queued=queued, finished=finished)
    empty = _empty_bytes() if queued else 0
    with offload(directory, queue_limit="10000000") as server:
        figures = {"start s": server.answered_s, "memory MiB": server.pss_bytes() / 2**20}
        if queued:
            figures["bytes a queued job"] = (server.pss_bytes() - empty) / queued
        return figures | await _calls(
            server, stand.sizes.single, filled[directory], "queued" if queued else "succeeded"
        )


async def _calls(server: Server, times: int, ids: Sequence[str], state: str) -> dict[str, float]:
    """Returns the latencies of the four calls. Submitted jobs come after all queued ones."""

    async def timed(requests: Iterable[bytes], status: int) -> Load:
        measured = await load(server.port, requests, connections=1)
        for answer in measured.answers:
            answer.expect(status)
        return measured

    submitted = await timed([post("/jobs/noop?priority=-100")] * times, 202)
    known = ids or [id_of(answer) for answer in submitted.answers]
    polled = await timed([get(f"/jobs/{each}") for each in islice(cycle(known), times)], 200)
    listed = await timed([get("/jobs")] * _LISTS, 200)
    by_state = await timed([get(f"/jobs?state={state}")] * _LISTS, 200)
    return {
        "submit p50 ms": submitted.p50_ms,
        "submit p99 ms": submitted.p99_ms,
        "poll p50 ms": polled.p50_ms,
        "poll p99 ms": polled.p99_ms,
        "list p50 ms": listed.p50_ms,
        "list by state p50 ms": by_state.p50_ms,
    }


def _empty_bytes() -> int:
    with offload() as server:
        return server.pss_bytes()


METRIC = Metric(
    "growth", "with a long queue and with a long past: latencies, memory, start-up", turns, alone=True, limit_s=600
)
