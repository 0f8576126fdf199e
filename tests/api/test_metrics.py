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
from offload.api.operations.metrics import OPEN_METRICS, OTHER, moment
from offload.api.operations.refusals import SUBMITTING
from offload.jobs.interfaces import REPLACED
from offload.jobs.model import Done, Failed, Failure, FailureKind, Usage
from tests.support.front_desk import FrontDesk, front_desk
from tests.support.keys import bearer
from tests.support.samples import Samples, counts, fallen, read, value

pytestmark = pytest.mark.anyio


async def told(desk: FrontDesk) -> Samples:
    return read((await desk.client.get("/metrics")).text)


async def run(desk: FrontDesk, outcome: Done | Failed | None = None, task: str = "fibonacci") -> None:
    job = (await desk.client.post(f"/jobs/{task}", json={"n": 1})).json()["id"]
    await desk.engine.end(job, outcome)
    await desk.client.get(f"/jobs/{job}?wait=60")


async def test_both_formats_are_read_by_their_parsers(desk: FrontDesk) -> None:
    text = await desk.client.get("/metrics")
    assert text.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert text.headers["cache-control"] == "no-store"
    accept = {"Accept": f"{OPEN_METRICS}; version=1.0.0, text/plain; q=0.5"}
    new = await desk.client.get("/metrics", headers=accept)
    assert new.headers["content-type"].startswith(f"{OPEN_METRICS}; version=1.0.0")
    names = {family.name for family in read_open_metrics(new.text)}  # type: ignore[no-untyped-call]  # it has no types
    assert names == {family.name.removesuffix("_info") for family in read_text(text.text)}
    assert names >= {
        *("offload_jobs", "offload_jobs_queued", "offload_jobs_running", "offload_lanes", "offload_job_seconds"),
        *("offload_queue_seconds", "offload_lane_restarts", "offload_refused", "process_resident_memory_bytes"),
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
async def test_whatever_is_asked_for_one_of_both_is_answered(desk: FrontDesk, accept: str) -> None:
    answer = await desk.client.get("/metrics", headers={b"Accept": accept.encode("latin-1")})
    assert answer.status_code == 200
    kind, _, parameters = answer.headers["content-type"].partition("; ")
    if kind == OPEN_METRICS:
        assert parameters.startswith("version=1.0.0; charset=utf-8")
        assert answer.text.endswith("# EOF\n")
    else:
        assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"


async def test_everything_is_there_from_the_beginning_with_0(desk: FrontDesk) -> None:
    samples = await told(desk)
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


async def test_jobs_are_counted_by_how_they_ended_and_how_long_they_took(desk: FrontDesk) -> None:
    for wall_s in (0.0004, 0.3, 0.3, 40.0):
        await run(desk, Done(result=b"1", result_bytes=1, usage=Usage(wall_s=wall_s)))
    await run(desk, Failed(failure=Failure(kind=FailureKind.TASK_RAISED, detail="no"), usage=Usage(wall_s=7000.0)))
    samples = await told(desk)
    assert value(samples, "offload_jobs_total", task="fibonacci", state="succeeded") == 4
    assert value(samples, "offload_jobs_total", task="fibonacci", state="failed") == 1
    for bound, count in {"0.001": 1, "0.25": 1, "0.5": 3, "30.0": 3, "60.0": 4, "3600.0": 4, "+Inf": 5}.items():
        assert value(samples, "offload_job_seconds_bucket", task="fibonacci", le=bound) == count, bound
    assert value(samples, "offload_job_seconds_sum", task="fibonacci") == pytest.approx(7040.6004)
    assert value(samples, "offload_queue_seconds_count", task="fibonacci") == 5
    assert 0 <= value(samples, "offload_queue_seconds_sum", task="fibonacci") < 60


async def test_what_waits_and_runs_now(desk: FrontDesk) -> None:
    running = (await desk.client.post("/jobs/fibonacci", json={"n": 1})).json()["id"]
    await desk.engine.running(running)
    for priority in (5, 0):
        await desk.client.post(f"/jobs/fibonacci?priority={priority}", json={"n": 1})
    samples = await told(desk)
    assert value(samples, "offload_jobs_queued") == 2
    assert value(samples, "offload_jobs_running") == 1
    assert [value(samples, "offload_lanes", state=state) for state in ("busy", "idle", "opening")] == [1, 0, 0]
    assert 0 < value(samples, "offload_queue_oldest_seconds") < 60


async def test_the_oldest_waits_since_its_acceptance_whatever_its_priority_and_the_clock(desk: FrontDesk) -> None:
    running = (await desk.client.post("/jobs/fibonacci", json={"n": 1})).json()["id"]
    await desk.engine.running(running)
    queued = [await desk.client.post(f"/jobs/fibonacci?priority={each}", json={"n": 1}) for each in (0, 5)]
    oldest, newest = (datetime.fromisoformat(answer.json()["created_at"]) for answer in queued)
    assert oldest < newest
    for told_at, waited_s in ((oldest + timedelta(seconds=20), 20), (oldest - timedelta(days=1), 0)):
        now = (told_at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
        assert moment(replace(desk.state, clock=partial(int, now))).oldest_s == waited_s


async def test_the_journal_is_all_of_its_files(desk: FrontDesk) -> None:
    for name in ("journal.sqlite3", "journal.sqlite3-wal"):
        (desk.state.settings.data_dir / name).write_bytes(b"12345")
    assert value(await told(desk), "offload_journal_bytes") == 10


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
    desk: FrontDesk, path: str, body: object, reason: str, wait: dict[str, str]
) -> None:
    assert (await desk.client.post(path, json=body, headers=wait)).status_code >= 400
    assert counts(await told(desk), "offload_refused_total", "reason") == {reason: 1}


async def test_every_problem_that_a_submission_can_end_in_is_a_reason_from_the_beginning(desk: FrontDesk) -> None:
    documented = {
        problem
        for path, calls in desk.app.openapi()["paths"].items()
        if path.startswith(SUBMITTING) and not path.endswith("/cancel")
        for method in {"post", "put"} & calls.keys()
        for answer in calls[method]["responses"].values()
        for problem in answer.get("content", {}).get(MEDIA_TYPE, {}).get("examples", {})
    }
    assert {"queue-full", "digest-mismatch", "upload-not-found"} <= documented <= {*exposition.REFUSALS}


async def test_what_refuses_no_submission_is_not_counted(desk: FrontDesk) -> None:
    for method, path in (
        ("GET", "/jobs/none"),
        ("POST", "/jobs/none/cancel"),
        ("DELETE", "/jobs/none"),
        ("GET", "/no"),
    ):
        assert (await desk.client.request(method, path)).status_code >= 400
    assert counts(await told(desk), "offload_refused_total", "reason") == {}


async def test_no_name_that_a_client_chooses_becomes_a_label(desk: FrontDesk) -> None:
    for number in range(20):
        await desk.client.post(f"/jobs/made-up-{number}", json={})
        await desk.client.post("/jobs/fibonacci", params={"label": f"made-up-{number}"}, json={"n": 1})
        await desk.client.post("/jobs/fibonacci", json={f"made-up-{number}": 1})
    assert "made-up" not in (await desk.client.get("/metrics")).text


async def test_a_task_that_is_not_registered_any_more_counts_as_other(desk: FrontDesk) -> None:
    await run(desk)
    desk.state.dispatcher.statistics._tasks["gone"] = desk.state.dispatcher.statistics._tasks.pop("fibonacci")
    assert value(await told(desk), "offload_jobs_total", task=OTHER, state="succeeded") == 1


async def test_a_key_is_needed_where_there_are_keys(tmp_path: Path) -> None:
    async with front_desk(tmp_path, api_keys="alice:0123456789abcdef0123") as desk:
        assert (await desk.client.get("/metrics")).status_code == 401
        assert (await desk.client.get("/metrics", headers=bearer("0123456789abcdef0123"))).status_code == 200
        assert (await desk.client.post("/jobs/fibonacci", json={"n": 1})).status_code == 401
        text = (await desk.client.get("/metrics", headers=bearer("0123456789abcdef0123"))).text
        assert 'offload_refused_total{reason="unauthorized"} 1.0' in text


async def test_a_lost_data_directory_has_no_free_bytes_and_hides_nothing_else(desk: FrontDesk) -> None:
    desk.state.settings.data_dir.rename(desk.files_dir / "elsewhere")
    samples = await told(desk)
    assert ("offload_data_free_bytes", frozenset()) not in samples
    assert value(samples, "offload_jobs_queued") == 0


async def test_the_event_loop_writes_none_of_it(desk: FrontDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    """50 tasks take 25 ms, in which nobody else would be answered."""
    threads, size = [], exposition._size

    def noted(file: Path) -> int:
        threads.append(threading.current_thread())
        return size(file)

    (desk.state.settings.data_dir / "journal.sqlite3").touch()
    monkeypatch.setattr(exposition, "_size", noted)
    await asyncio.gather(*(desk.client.get("/metrics") for _ in range(3)))
    assert len(threads) == 3
    assert threading.main_thread() not in threads


async def test_head_is_answered_as_get(desk: FrontDesk) -> None:
    answer = await desk.client.head("/metrics")
    assert (answer.status_code, answer.content) == (200, b"")


async def test_counters_only_grow_while_jobs_come_and_go(desk: FrontDesk) -> None:
    async def work() -> None:
        for _ in range(10):
            await run(desk)

    working = asyncio.create_task(work())
    last: Samples = {}
    while not working.done():
        now = await told(desk)
        assert fallen(last, now) == []
        last = now
    await working
    assert value(await told(desk), "offload_jobs_total", task="fibonacci", state="succeeded") == 10
