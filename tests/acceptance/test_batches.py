"""Batches in a real service: all accepted members end, whatever fails in between."""

import json
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import httpx
import psutil
import pytest

from tests.support.caller import Caller, Json, answer
from tests.support.server import Server
from tests.support.waiting import until_sync

LARGE = 300_000


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with Server(tmp_path) as server:
        yield server


def fibs(numbers: range) -> list[Json]:
    return [{"task": "fibonacci", "params": {"n": n}} for n in numbers]


def submitted(api: Caller, jobs: list[Json], *, expect: int = 202, **headers: str) -> Json:
    """The batch of these members, or the problem."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return answer(api.http.post("/batches", json={"jobs": jobs}, headers=named), expect)


def done(api: Caller, batch: Json, within: float = 120) -> Json:
    """The batch, once it is done."""
    path = batch["links"]["self"]
    return until_sync(
        lambda: found if (found := api.get(path, wait=5))["done"] else None, within=within, what="the batch to be done"
    )


def counted(batch: Json) -> Json:
    """Its counts that are not zero."""
    return {state: count for state, count in batch["counts"].items() if count}


def results(api: Caller, batch: Json) -> list[Json]:
    response = api.http.get(batch["links"]["results"])
    assert response.status_code == 200
    return [json.loads(line) for line in response.text.splitlines()]


def test_four_recursive_jobs_are_one_request(server: Server) -> None:
    jobs = [{"task": "fibonacci", "params": {"n": n, "algorithm": "recursive"}} for n in (18, 20, 22, 24)]
    batch = submitted(server.api, jobs, expect=200, prefer="wait=60")
    assert counted(batch) == {"succeeded": 4}
    assert [line["result"]["value"] for line in results(server.api, batch)] == ["2584", "6765", "17711", "46368"]
    listed = server.api.get("/jobs", batch=batch["id"])["jobs"]
    starts = {job["params"]["n"]: job["started_at"] for job in listed}
    assert sorted(starts, key=lambda n: starts[n])[:2] == [24, 22], "the dearest are begun first"


def test_a_thousand_accepted_jobs_survive_a_kill(server: Server) -> None:
    batch = submitted(server.api, fibs(range(1000)), idempotency_key="k")
    server.kill()
    server.start()
    again = submitted(server.api, fibs(range(1000)), idempotency_key="k")
    assert again["id"] == batch["id"]
    found = done(server.api, batch)
    assert counted(found) == {"succeeded": 1000}
    lines = results(server.api, batch)
    assert [(line["index"], line["result"]["n"]) for line in lines] == [(n, n) for n in range(1000)]
    server.stop()
    server.start()
    assert server.api.get(batch["links"]["self"]) == found


@pytest.mark.parametrize("moment", ["sent", "being written"])
def test_a_kill_before_the_response_leaves_all_or_nothing(server: Server, moment: str) -> None:
    """Whichever it is, sending it again with its key makes it exactly one batch."""
    number = 10_000
    log = server.data_dir / "journal.sqlite3-wal"
    before = log.stat().st_size
    with ThreadPoolExecutor(1) as pool:
        sending = pool.submit(submitted, server.api, fibs(range(number)), idempotency_key="k")
        if moment == "being written":
            until_sync(lambda: log.stat().st_size > before, what="the batch to be written")
        server.kill()
        with suppress(httpx.TransportError):
            sending.result()
    server.start()
    assert sum(batch["size"] for batch in server.api.get("/batches")["batches"]) in {0, number}
    batch = submitted(server.api, fibs(range(number)), idempotency_key="k")
    assert [one["id"] for one in server.api.get("/batches")["batches"]] == [batch["id"]]
    assert sum(batch["counts"].values()) == number
    answer(server.api.http.post(batch["links"]["cancel"]), 200)


def test_a_kill_while_a_batch_is_cancelled_leaves_each_member_one_state(server: Server) -> None:
    batch = submitted(server.api, fibs(range(5000)))
    path = batch["links"]["self"]
    with ThreadPoolExecutor(1) as pool:
        url = f"{server.api.http.base_url}{batch['links']['cancel']}"
        cancelling = pool.submit(httpx.post, url, timeout=60, trust_env=False)
        until_sync(lambda: server.api.get(path)["counts"]["cancelled"], what="some to be cancelled")
        server.kill()
        with suppress(httpx.TransportError):
            cancelling.result()
    server.start()
    found = done(server.api, batch)
    assert set(counted(found)) <= {"succeeded", "cancelled"}
    assert sum(found["counts"].values()) == 5000
    states = [line["state"] for line in results(server.api, batch)]
    assert {state: states.count(state) for state in set(states)} == counted(found)


def test_a_restart_keeps_the_most_expensive_first(server: Server, gate: Path) -> None:
    holding = [server.api.submit("hold", {"gate": str(gate)}, max_attempts=3)["id"] for _ in range(2)]
    numbers = (10, 30, 20, 35)
    jobs = [{"task": "fibonacci", "params": {"n": n, "algorithm": "recursive"}} for n in numbers]
    batch = submitted(server.api, jobs)
    server.kill()
    server.start()
    gate.touch()
    for job_id in holding:
        server.api.succeeded(job_id)
    done(server.api, batch)
    starts = {job["params"]["n"]: job["started_at"] for job in server.api.get("/jobs", batch=batch["id"])["jobs"]}
    assert sorted(starts, key=lambda n: starts[n])[:2] == [35, 30]


def test_a_large_batch_is_cancelled_queued_and_running(server: Server, gate: Path) -> None:
    held = {"task": "hold", "params": {"gate": str(gate)}, "priority": 1}
    batch = submitted(server.api, [held, held, *fibs(range(3000))])
    first = until_sync(
        lambda: jobs if len(jobs := server.api.get("/jobs", task="hold", state="running")["jobs"]) == 2 else None,
        what="both to run",
    )
    running = [server.api.lane_of(job["id"]) for job in first]
    cancelled = answer(server.api.http.post(batch["links"]["cancel"]), 200)
    assert counted(cancelled) == {"cancelled": 3002}
    assert not any(process.is_running() and process.status() != psutil.STATUS_ZOMBIE for process in running)
    assert server.api.get("/stats")["queue"]["size"] == 0
    assert server.api.http.delete(batch["links"]["self"]).status_code == 204
    assert server.api.get("/jobs")["jobs"] == []


def test_large_results_are_streamed_in_order_and_memory_stays_flat(server: Server) -> None:
    """180 MB of results: more than the service may grow by a fifth of."""
    number = 600
    jobs = [{"task": "blob", "params": {"size": LARGE, "seed": seed}} for seed in range(number)]
    batch = submitted(server.api, jobs)
    assert counted(done(server.api, batch)) == {"succeeded": number}
    service = psutil.Process(server.process.pid)
    before = service.memory_info().rss
    size, seen, most = 0, 0, 0
    with server.api.http.stream("GET", batch["links"]["results"]) as response:
        for line in response.iter_lines():
            told = json.loads(line)
            assert (told["index"], len(told["result"])) == (seen, LARGE)
            seen, size = seen + 1, size + len(line)
            most = max(most, service.memory_info().rss)
    assert (seen, size > number * LARGE) == (number, True)
    assert most - before < 36_000_000
    assert service.num_fds() < 100


def test_a_disconnected_reader_leaves_no_open_file(server: Server) -> None:
    # More than the kernel takes for a connection, of which 32 MiB may wait to be read.
    large = [{"task": "blob", "params": {"size": 20_000_000, "seed": seed}} for seed in range(5)]
    batch = submitted(server.api, large)
    assert counted(done(server.api, batch)) == {"succeeded": 5}
    service = psutil.Process(server.process.pid)

    def open_results() -> list[str]:
        return [file.path for file in service.open_files() if "results" in file.path]

    with server.api.http.stream("GET", batch["links"]["results"]) as response:
        chunks = response.iter_raw()  # kept: dropped, it would end the connection
        next(chunks)
        assert open_results()
    until_sync(lambda: not open_results(), what="the result's file to be closed")


def test_a_member_that_kills_its_lane_affects_no_other(server: Server) -> None:
    crash = {"task": "crash", "params": {}, "max_attempts": 1}
    batch = submitted(server.api, [*fibs(range(20)), crash, *fibs(range(20))])
    assert counted(done(server.api, batch)) == {"succeeded": 40, "failed": 1}
    line = results(server.api, batch)[20]
    assert line["error"]["signal"] == signal.Signals.SIGSEGV.name


def test_a_batch_is_followed_to_its_end(server: Server) -> None:
    batch = submitted(server.api, fibs(range(2000)))
    told: list[Json] = []
    with server.api.http.stream("GET", batch["links"]["events"]) as response:
        told += (json.loads(line[6:]) for line in response.iter_lines() if line.startswith("data: "))
    ended = [one["progress"]["done"] for one in told]
    assert ended == sorted(ended)
    assert told[-1] == server.api.get(batch["links"]["self"])
    assert counted(told[-1]) == {"succeeded": 2000}


def test_retention_deletes_a_batch_as_a_whole(tmp_path: Path) -> None:
    with Server(tmp_path, retention_s=1) as server:
        batch = submitted(server.api, fibs(range(700)))
        done(server.api, batch)
        path = batch["links"]["self"]
        until_sync(lambda: server.api.http.get(path).status_code == 404, within=60, what="the batch to be forgotten")
        until_sync(lambda: not server.api.get("/jobs")["jobs"], within=60, what="its members to be forgotten")
