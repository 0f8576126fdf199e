"""`GET /metrics`."""

import asyncio
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_open_metrics
from prometheus_client.parser import text_string_to_metric_families as read_text

from offload.api.contract.problems import MEDIA_TYPE
from offload.api.operations import exposition
from offload.api.operations.metrics import OPEN_METRICS, OTHER, snapshot
from offload.api.operations.rejections import SUBMITTING
from offload.jobs.interfaces import REPLACED
from offload.jobs.model import Done, Failed, Failure, FailureKind, Usage
from tests.support.api_server import ApiServer, api_server
from tests.support.keys import bearer
from tests.support.samples import Samples, counts, fallen, read, value

pytestmark = pytest.mark.anyio


async def told(server: ApiServer) -> Samples:
    return read((await server.client.get("/metrics")).text)


async def run(server: ApiServer, outcome: Done | Failed | None = None, task: str = "fibonacci") -> None:
    job = (await server.client.post(f"/jobs/{task}", json={"n": 1})).json()["id"]
    await server.engine.end(job, outcome)
    await server.client.get(f"/jobs/{job}?wait=60")


async def test_both_formats_are_read_by_their_parsers(server: ApiServer) -> None:
    text = await server.client.get("/metrics")
    assert text.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert text.headers["cache-control"] == "no-store"
    accept = {"Accept": f"{OPEN_METRICS}; version=1.0.0, text/plain; q=0.5"}
    new = await server.client.get("/metrics", headers=accept)
    assert new.headers["content-type"].startswith(f"{OPEN_METRICS}; version=1.0.0")
    names = {family.name for family in read_open_metrics(new.text)}  # type: ignore[no-untyped-call]  # it has no types
    assert names == {family.name.removesuffix("_info") for family in read_text(text.text)}
    assert names >= {
        *("offload_jobs", "offload_jobs_queued", "offload_jobs_running", "offload_lanes", "offload_job_seconds"),
        *("offload_queue_seconds", "offload_lane_restarts", "offload_refused", "process_resident_memory_bytes"),
        "offload_background_failures",
    }


@pytest.mark.parametrize(
    "accept",
    [
        f"{OPEN_METRICS}; version=abc",
        f"{OPEN_METRICS}; version=\xb2",
        f"{OPEN_METRICS}; version=9.9; escaping=made-up",
        "text/plain; version=1.0.x",
        "image/png;;;,,",
        "text/plain; version=0.0.4" * 300,
    ],
)
async def test_whatever_is_asked_for_one_of_both_is_answered(server: ApiServer, accept: str) -> None:
    answer = await server.client.get("/metrics", headers={b"Accept": accept.encode("latin-1")})
    assert answer.status_code == 200
    kind, _, parameters = answer.headers["content-type"].partition("; ")
    if kind == OPEN_METRICS:
        assert parameters.startswith("version=1.0.0; charset=utf-8")
        assert answer.text.endswith("# EOF\n")
    else:
        assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"


async def test_everything_is_there_from_the_beginning_with_0(server: ApiServer) -> None:
    samples = await told(server)
    for task in ("fibonacci", "file-digest", OTHER):
        for state in ("succeeded", "failed", "cancelled"):
            assert value(samples, "offload_jobs_total", task=task, state=state) == 0
        for name in ("offload_job_seconds", "offload_queue_seconds"):
            assert value(samples, f"{name}_count", task=task) == 0
            assert value(samples, f"{name}_bucket", task=task, le="+Inf") == 0
    for replaced in REPLACED:
        assert value(samples, "offload_lane_restarts_total", reason=replaced) == 0
    for reason in ("queue-full", "quota-exceeded", "unauthorized", "storage-full", "digest-mismatch"):
        assert value(samples, "offload_refused_total", reason=reason) == 0


async def test_jobs_are_counted_by_how_they_ended_and_how_long_they_took(server: ApiServer) -> None:
    for wall_s in (0.0004, 0.3, 0.3, 40.0):
        await run(server, Done(result=b"1", result_bytes=1, usage=Usage(wall_s=wall_s)))
    await run(server, Failed(failure=Failure(kind=FailureKind.TASK_RAISED, detail="no"), usage=Usage(wall_s=7000.0)))
    samples = await told(server)
    assert value(samples, "offload_jobs_total", task="fibonacci", state="succeeded") == 4
    assert value(samples, "offload_jobs_total", task="fibonacci", state="failed") == 1
    for bound, count in {"0.001": 1, "0.25": 1, "0.5": 3, "30.0": 3, "60.0": 4, "3600.0": 4, "+Inf": 5}.items():
        assert value(samples, "offload_job_seconds_bucket", task="fibonacci", le=bound) == count, bound
    assert value(samples, "offload_job_seconds_sum", task="fibonacci") == pytest.approx(7040.6004)
    assert value(samples, "offload_queue_seconds_count", task="fibonacci") == 5
    assert 0 <= value(samples, "offload_queue_seconds_sum", task="fibonacci") < 60


async def test_what_waits_and_runs_now(server: ApiServer) -> None:
    running = (await server.client.post("/jobs/fibonacci", json={"n": 1})).json()["id"]
    await server.engine.running(running)
    for priority in (5, 0):
        await server.client.post(f"/jobs/fibonacci?priority={priority}", json={"n": 1})
    samples = await told(server)
    assert value(samples, "offload_jobs_queued") == 2
    assert value(samples, "offload_jobs_running") == 1
    assert [value(samples, "offload_lanes", state=state) for state in ("busy", "idle", "opening")] == [1, 0, 0]
    assert 0 < value(samples, "offload_queue_oldest_seconds") < 60


async def test_the_oldest_waits_since_its_acceptance_whatever_its_priority_and_the_clock(server: ApiServer) -> None:
    running = (await server.client.post("/jobs/fibonacci", json={"n": 1})).json()["id"]
    await server.engine.running(running)
    queued = [await server.client.post(f"/jobs/fibonacci?priority={each}", json={"n": 1}) for each in (0, 5)]
    oldest, newest = (datetime.fromisoformat(answer.json()["created_at"]) for answer in queued)
    assert oldest < newest
    for told_at, waited_s in ((oldest + timedelta(seconds=20), 20), (oldest - timedelta(days=1), 0)):
        now = (told_at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
        assert snapshot(replace(server.state, clock=partial(int, now))).oldest_s == waited_s


async def test_the_journal_is_all_of_its_files(server: ApiServer) -> None:
    for name in ("journal.sqlite3", "journal.sqlite3-wal"):
        (server.state.settings.data_dir / name).write_bytes(b"12345")
    assert value(await told(server), "offload_journal_bytes") == 10


@pytest.mark.parametrize(
    ("path", "body", "reason"),
    [
        ("/jobs/fibonacci", {"n": -1}, "invalid-parameters"),
        ("/jobs/fibonacci", {"n": 41, "algorithm": "recursive"}, "too-expensive"),
        ("/jobs/nothing", {}, "task-not-found"),
        ("/jobs/cancel", {}, "task-not-found"),
        ("/jobs/fibonacci/nothing", {}, "not-found"),
        ("/jobs/file-digest", {"path": "../secret"}, "path-refused"),
        ("/batches", {"jobs": [{"task": "fibonacci", "params": {"n": -1}}] * 3}, "invalid-parameters"),
        ("/batches", {"jobs": []}, "invalid-parameters"),
    ],
)
@pytest.mark.parametrize("wait", [{}, {"Prefer": "wait=1"}])
async def test_each_refused_submission_is_counted_once(
    server: ApiServer, path: str, body: object, reason: str, wait: dict[str, str]
) -> None:
    assert (await server.client.post(path, json=body, headers=wait)).status_code >= 400
    assert counts(await told(server), "offload_refused_total", "reason") == {reason: 1}


async def test_every_problem_that_a_submission_can_end_in_is_a_reason_from_the_beginning(server: ApiServer) -> None:
    documented = {
        problem
        for path, calls in server.app.openapi()["paths"].items()
        if path.startswith(SUBMITTING) and not path.endswith("/cancel")
        for method in {"post", "put"} & calls.keys()
        for answer in calls[method]["responses"].values()
        for problem in answer.get("content", {}).get(MEDIA_TYPE, {}).get("examples", {})
    }
    assert {"queue-full", "digest-mismatch", "upload-not-found"} <= documented <= {*exposition.REFUSALS}


async def test_what_refuses_no_submission_is_not_counted(server: ApiServer) -> None:
    for method, path in (
        ("GET", "/jobs/none"),
        ("POST", "/jobs/none/cancel"),
        ("DELETE", "/jobs/none"),
        ("GET", "/no"),
    ):
        assert (await server.client.request(method, path)).status_code >= 400
    assert counts(await told(server), "offload_refused_total", "reason") == {}


async def test_no_name_that_a_client_chooses_becomes_a_label(server: ApiServer) -> None:
    for number in range(20):
        await server.client.post(f"/jobs/made-up-{number}", json={})
        await server.client.post("/jobs/fibonacci", params={"label": f"made-up-{number}"}, json={"n": 1})
        await server.client.post("/jobs/fibonacci", json={f"made-up-{number}": 1})
    assert "made-up" not in (await server.client.get("/metrics")).text


async def test_a_task_that_is_not_registered_any_more_counts_as_other(server: ApiServer) -> None:
    await run(server)
    server.state.dispatcher.statistics._tasks["gone"] = server.state.dispatcher.statistics._tasks.pop("fibonacci")
    assert value(await told(server), "offload_jobs_total", task=OTHER, state="succeeded") == 1


async def test_a_key_is_needed_where_there_are_keys(tmp_path: Path) -> None:
    async with api_server(tmp_path, api_keys="alice:0123456789abcdef0123") as server:
        assert (await server.client.get("/metrics")).status_code == 401
        assert (await server.client.get("/metrics", headers=bearer("0123456789abcdef0123"))).status_code == 200
        assert (await server.client.post("/jobs/fibonacci", json={"n": 1})).status_code == 401
        text = (await server.client.get("/metrics", headers=bearer("0123456789abcdef0123"))).text
        assert 'offload_refused_total{reason="unauthorized"} 1.0' in text


async def test_a_lost_data_directory_has_no_free_bytes_and_hides_nothing_else(server: ApiServer) -> None:
    server.state.settings.data_dir.rename(server.files_dir / "elsewhere")
    samples = await told(server)
    assert ("offload_data_free_bytes", frozenset()) not in samples
    assert value(samples, "offload_jobs_queued") == 0


async def test_the_event_loop_writes_none_of_it(server: ApiServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """50 tasks take 25 ms, in which nobody else would be answered."""
    threads, size = [], exposition._size

    def noted(file: Path) -> int:
        threads.append(threading.current_thread())
        return size(file)

    (server.state.settings.data_dir / "journal.sqlite3").touch()
    monkeypatch.setattr(exposition, "_size", noted)
    await asyncio.gather(*(server.client.get("/metrics") for _ in range(3)))
    assert len(threads) == 3
    assert threading.main_thread() not in threads


async def test_head_is_answered_as_get(server: ApiServer) -> None:
    answer = await server.client.head("/metrics")
    assert (answer.status_code, answer.content) == (200, b"")


async def test_counters_only_grow_while_jobs_come_and_go(server: ApiServer) -> None:
    async def work() -> None:
        for _ in range(10):
            await run(server)

    working = asyncio.create_task(work())
    last: Samples = {}
    while not working.done():
        now = await told(server)
        assert fallen(last, now) == []
        last = now
    await working
    assert value(await told(server), "offload_jobs_total", task="fibonacci", state="succeeded") == 10
