"""`GET /metrics` of a real service agrees with the jobs, with `/stats` and with the journal."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from tests.support.caller import Caller
from tests.support.samples import Samples, counts, fallen, read, value
from tests.support.server import Server
from tests.support.waiting import until_sync
from tests.support.wire import exchange, only, request

STATES = ("succeeded", "failed", "cancelled")
TASKS = ("greet", "refuse", "crash", "spin", "hold", "fibonacci")


def told(api: Caller) -> Samples:
    return read(api.http.get("/metrics").text)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """One that has counted nothing yet."""
    with Server(tmp_path) as server:
        yield server


def test_metrics_agree_with_stats_and_the_journal(server: Server, gate: Path) -> None:
    api = server.api
    for _ in range(5):
        api.succeeded(api.submit("greet", {"name": "Ada"})["id"])
    api.failed(api.submit("refuse", {"text": "no"})["id"], "task-raised")
    api.failed(api.submit("crash", {}, max_attempts=2)["id"], "worker-died")
    api.failed(api.submit("spin", {}, timeout_s=0.3)["id"], "timed-out")
    _cancelled_while_it_runs(api)
    _killed_and_tried_again(api, gate)
    _cancelled_while_it_waits(api)
    api.idle_lanes()

    samples, stats = told(api), api.get("/stats")["tasks"]
    for task in TASKS:
        for state in STATES:
            in_journal = len(api.get("/jobs", task=task, state=state)["jobs"])
            counted = value(samples, "offload_jobs_total", task=task, state=state)
            assert counted == in_journal == stats.get(task, {}).get(state, 0), (task, state)
    assert sum(count for (name, _), count in samples.items() if name == "offload_jobs_total") == 13
    assert counts(samples, "offload_lane_restarts_total", "reason") == {"cancelled": 3, "died": 3, "timed-out": 1}
    assert value(samples, "offload_job_seconds_count", task="greet") == 5
    assert value(samples, "offload_queue_seconds_count", task="hold") == 1
    assert value(samples, "offload_jobs_queued") == value(samples, "offload_jobs_running") == 0
    assert value(samples, "offload_lanes", state="idle") == 2
    assert value(samples, "offload_lanes_resident_memory_bytes") > 2 * 5e6


def _cancelled_while_it_runs(api: Caller) -> None:
    spinning = api.submit("spin", {})["id"]
    api.lane_of(spinning)
    api.cancel(spinning)


def _killed_and_tried_again(api: Caller, gate: Path) -> None:
    held = api.submit("hold", {"gate": str(gate)})["id"]
    api.lane_of(held).kill()
    gate.touch()
    assert api.succeeded(held)["attempt"] == 2


def _cancelled_while_it_waits(api: Caller) -> None:
    spinning = [api.submit("spin", {})["id"] for _ in range(3)]
    for job_id in spinning[:2]:
        api.lane_of(job_id)
    for job_id in reversed(spinning):
        api.cancel(job_id)


def test_each_rejection_is_counted_once_on_both_paths(tmp_path: Path) -> None:
    json, twice = "Content-Type: application/json", ("X-Twice: 1", "X-Twice: 2")  # the long way, as in test_fast_path
    with Server(tmp_path, upload_max_mb=1, queue_limit=1, lanes=1) as server:
        api = server.api
        spinning = api.submit("spin", {})["id"]
        api.lane_of(spinning)
        api.submit("greet", {"name": "the queue"})
        large = bytes(2 << 20)
        refused = [
            request(line, "Connection: close", *headers, *way, f"Content-Length: {len(body)}", body=body)
            for line, body, *headers in (
                ("POST /jobs/greet", b'{"name": "you"}', json),
                ("POST /jobs/greet", b'{"nam": 3}', json),
                ("POST /jobs/greet?prio=1", b'{"name": "you"}', json),
                ("POST /jobs/greet", b'{"name": "you"}', "Content-Type: text/plain"),
                ("POST /jobs/greet", b'{"name": "you"}', json, "Sec-Fetch-Site: cross-site"),
                ("POST /jobs/greet", b'{"name": "' + large + b'"}', json),
                ("POST /jobs/fibonacci", b'{"n": 1000000000}', json),
                ("POST /jobs/great", b'{"name": "you"}', json),
                ("POST /batches", b'{"jobs": [{"task": "greet", "params": {"name": "you"}}]}', json),
                ("POST /batches", b'{"jobs": [{"task": "great", "params": {}}]}', json),
                ("POST /batches/file-digest", b'{"pattern": "../*"}', json),
                ("POST /batches/file-digest/verify", b"no manifest"),
                ("POST /uploads", large),
                ("PUT /uploads", b"one", "Content-Digest: sha-256=:" + "A" * 43 + "=:"),
                ("POST /jobs/file-digest/upload", b"no form", "Content-Type: multipart/form-data"),
            )
            for way in ((), twice)
        ]
        answers = [only(exchange(server, sent)) for sent in refused]
        assert [answer.status for answer in answers if answer.status < 400] == []
        by_name = Counter(answer.kind for answer in answers)
        assert counts(told(api), "offload_refused_total", "reason") == by_name
        assert len(by_name) > 7
        api.cancel(spinning)


def test_scrapes_during_a_burst_are_complete_and_never_decrease(server: Server) -> None:
    def burst(_: int) -> None:
        with httpx.Client(base_url=server.url, timeout=30, trust_env=False) as client:
            for _ in range(100):
                assert client.post("/jobs/greet", json={"name": "Ada"}).status_code == 202

    scrapes = [told(server.api)]
    with ThreadPoolExecutor(3) as pool:
        bursts = [pool.submit(burst, number) for number in range(3)]
        while not all(each.done() for each in bursts):
            scrapes.append(told(server.api))
            assert fallen(scrapes[-2], scrapes[-1]) == []
        for each in bursts:
            each.result()

    def all_ended() -> Samples | None:
        now = told(server.api)
        return now if value(now, "offload_jobs_total", task="greet", state="succeeded") >= 300 else None

    last = until_sync(all_ended, within=30, what="300 jobs to be counted")
    assert fallen(scrapes[-1], last) == []
    assert value(last, "offload_jobs_total", task="greet", state="succeeded") == 300
    for name in ("offload_job_seconds", "offload_queue_seconds"):
        assert (
            value(last, f"{name}_count", task="greet") == value(last, f"{name}_bucket", task="greet", le="+Inf") == 300
        )
