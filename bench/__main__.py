"""Measures the service beside a bare FastAPI app and the naive pool, in the same run, and prints a table.

Each figure is the median of the repeats; the two servers take turns. `python -m bench --help` tells the options.
"""

import argparse
import asyncio
import json
import os
import signal
import statistics
import time
from collections.abc import Callable

from bench import servers
from bench.load import Load, get, load, post
from bench.servers import Server

PARAMS = b'{"n":1000}'


async def until(port: int, path: str, fits: Callable[[bytes], bool], *, within: float = 60) -> bytes:
    """Polls until an answer fits; bounded in time."""
    end = time.perf_counter() + within
    while time.perf_counter() < end:
        answer = (await load(port, [get(path)], connections=1)).answers[0]
        if fits(answer.body):
            return answer.body
        await asyncio.sleep(0.002)
    raise TimeoutError(f"{path} did not come to fit within {within} s")


def ok(measured: Load, status: int) -> Load:
    """The load, if every answer had this status."""
    wrong = [answer for answer in measured.answers if answer.status != status]
    if wrong:
        raise RuntimeError(f"{len(wrong)} answers other than {status}, the first: {wrong[0]}")
    return measured


def done(stats: bytes) -> int:
    """How many no-op jobs have ended since the start."""
    ended: int = json.loads(stats)["tasks"].get("noop", {}).get("succeeded", -1)
    return ended


async def naive_burst(server: Server, jobs: int) -> float:
    """The same on the naive pool."""
    begin = time.perf_counter()
    ok(await load(server.port, [post("/naive", b"")] * jobs, connections=32), 202)
    await until(server.port, "/naive/done", lambda body: int(body) % jobs == 0)
    return jobs / (time.perf_counter() - begin)


async def recovery_ms(server: Server) -> float:
    """Milliseconds from the SIGKILL of an idle lane until all lanes are idle again."""
    lanes = json.loads(await until(server.port, "/stats", all_idle))["lanes"]
    killed = lanes[0]["pid"]
    begin = time.perf_counter()
    os.kill(killed, signal.SIGKILL)
    await until(server.port, "/stats", lambda body: all_idle(body) and f'"pid":{killed},'.encode() not in body)
    return (time.perf_counter() - begin) * 1000


def all_idle(stats: bytes) -> bool:
    """True where every lane waits for work."""
    return all(lane["state"] == "idle" for lane in json.loads(stats)["lanes"])


async def measure(repeats: int, jobs: int, requests: int) -> dict[str, list[float]]:
    """All figures, each once a repeat, the servers in turn."""
    figures: dict[str, list[float]] = {}

    def note(name: str, value: float) -> None:
        figures.setdefault(name, []).append(value)

    with servers.offload() as ours, servers.bare() as bare:
        note("start to ready, s", ours.ready_s)
        note("memory when idle (PSS), MiB", ours.rss_bytes() / 2**20)
        one = (await load(ours.port, [post("/jobs/noop", b"{}")], connections=1)).answers[0]
        job = "/jobs/" + json.loads(one.body)["id"]
        await until(ours.port, job, lambda body: b'"succeeded"' in body)
        for _ in range(repeats):
            note("burst of no-ops, jobs/s", await burst(ours, jobs))
            note("burst on the naive pool, jobs/s", await naive_burst(bare, jobs))
            durable = ok(await load(ours.port, [post("/jobs/noop", b"{}")] * requests, connections=64), 202)
            note("durable POST c=64, /s", durable.per_s)
            note("durable POST c=64, p99 ms", durable.p99_ms)
            await until(ours.port, "/stats", lambda body: json.loads(body)["queue"]["size"] == 0)
            await until(ours.port, "/stats", all_idle)
            plain = ok(await load(bare.port, [post("/bare", PARAMS)] * requests, connections=64), 202)
            note("bare FastAPI POST c=64, /s", plain.per_s)
            note(
                "poll of a finished job c=64, /s",
                ok(await load(ours.port, [get(job)] * requests, connections=64), 200).per_s,
            )
            note(
                "bare FastAPI GET c=64, /s",
                ok(await load(bare.port, [get("/bare/0")] * requests, connections=64), 200).per_s,
            )
            one_by_one = ok(await load(ours.port, [post("/jobs/noop", b"{}")] * 200, connections=1), 202)
            note("durable POST c=1, p50 ms", one_by_one.p50_ms)
            await until(ours.port, "/stats", all_idle)
            note("lane back after SIGKILL, ms", await recovery_ms(ours))
        note("memory after the load (PSS), MiB", ours.rss_bytes() / 2**20)
    return figures


async def burst(server: Server, jobs: int) -> float:
    """No-op jobs per second, from the first submission until the last has ended."""
    stats = json.loads((await load(server.port, [get("/stats")], connections=1)).answers[0].body)
    before = stats["tasks"]["noop"]["succeeded"]
    begin = time.perf_counter()
    ok(await load(server.port, [post("/jobs/noop", b"{}")] * jobs, connections=32), 202)
    await until(server.port, "/stats", lambda body: done(body) >= before + jobs)
    return jobs / (time.perf_counter() - begin)


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--jobs", type=int, default=2000, help="jobs in a burst")
    parser.add_argument("--requests", type=int, default=5000, help="requests of a throughput figure")
    options = parser.parse_args()
    figures = asyncio.run(measure(options.repeats, options.jobs, options.requests))
    for name, values in figures.items():
        print(f"{name:36} {statistics.median(values):10.4g}   ({min(values):.4g} to {max(values):.4g})")
    medians = {name: statistics.median(values) for name, values in figures.items()}
    print()
    for what, ours, theirs in (
        ("burst / naive pool", "burst of no-ops, jobs/s", "burst on the naive pool, jobs/s"),
        ("durable POST / bare FastAPI POST", "durable POST c=64, /s", "bare FastAPI POST c=64, /s"),
        ("poll / bare FastAPI GET", "poll of a finished job c=64, /s", "bare FastAPI GET c=64, /s"),
    ):
        print(f"{what:36} {medians[ours] / medians[theirs]:10.2f} x")


if __name__ == "__main__":
    main()
