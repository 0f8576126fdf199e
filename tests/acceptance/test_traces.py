"""One trace of a job: its request, waits and attempts and what its task traces, across processes and their ends."""

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType

import pytest

from tests.docs.pages import ROOT, blocks
from tests.support.collector import Collector, Span
from tests.support.server import Server
from tests.support.waiting import until_sync

TASKS = ", ".join(
    ["sample_tasks:hold", "sample_tasks:refuse"]
    + [f"traced_tasks:{name}" for name in ("shrink", "scatter", "end_tracing", "leave_attached", "left")]
)
NOTHING: Mapping[str, str] = MappingProxyType({})
CALLER = "0af7651916cd43dd8448eb211c80319c"


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector() as collector:
        yield collector


@contextmanager
def traced(
    directory: Path, url: str, environment: Mapping[str, str] = NOTHING, *, lanes: int = 1, **settings: str | float
) -> Iterator[Server]:
    """A service that sends its traces there."""
    server = Server(directory, lanes=lanes, **{"tasks": TASKS, **settings})
    server.environment = {"OTEL_EXPORTER_OTLP_ENDPOINT": url, **environment}
    with server:
        yield server


def named(spans: list[Span], name: str) -> Span:
    (span,) = (span for span in spans if span.name == name)
    return span


WHOLE = ("POST /jobs/shrink", "queue shrink", "attempt shrink", "load", "resize")
TWICE = ("POST /jobs/shrink", *2 * ("queue shrink", "attempt shrink", "load"), "resize")


def test_one_trace_reaches_from_the_request_to_the_task(tmp_path: Path, collector: Collector) -> None:
    with traced(tmp_path, collector.url) as server:
        (lane,) = server.api.idle_lanes(1)
        job = server.api.succeeded(server.api.submit("shrink", {})["id"])
        spans = collector.trace_of(job["id"], *WHOLE)
    request, queue, attempt, load, resize = (named(spans, name) for name in WHOLE)
    assert {span.trace for span in spans} == {job["result"]}
    assert [request.parent, queue.parent, attempt.parent, load.parent, resize.parent] == [
        "",
        request.id,
        request.id,
        attempt.id,
        attempt.id,
    ]
    assert request.begin <= queue.begin <= queue.end == attempt.begin <= load.begin <= resize.begin
    assert load.end <= resize.begin
    assert resize.end <= attempt.end
    assert (request.facts["http.route"], request.facts["http.response.status_code"]) == ("/jobs/shrink", 202)
    assert queue.facts == {"offload.task": "shrink", "offload.job.id": job["id"]}
    assert attempt.facts == {
        **queue.facts,
        "offload.job.attempt": 1,
        "offload.lane.pid": lane.pid,
        "offload.outcome": "succeeded",
    }
    assert [span.error for span in spans] == [None] * 5
    assert [span.resource["service.name"] for span in spans] == ["offload"] * 5
    assert [request.resource["process.pid"], load.resource["process.pid"]] == [server.process.pid, lane.pid]


def test_the_normal_path_continues_the_callers_trace(tmp_path: Path, collector: Collector) -> None:
    headers = {"traceparent": f"00-{CALLER}-b7ad6b7169203331-01", "Content-Type": "application/json; charset=utf-8"}
    with traced(tmp_path, collector.url) as server:
        job = server.api.submit("shrink", {}, headers=headers)
        spans = collector.trace_of(job["id"], *WHOLE)
        server.api.get(f"/jobs/{job['id']}")
        collector.sent("GET /jobs/{id}")
    assert {span.trace for span in spans} == {CALLER}
    request = named(spans, "POST /jobs/shrink")
    assert (request.parent, request.facts["http.route"]) == ("b7ad6b7169203331", "/jobs/shrink")


def test_an_unsampled_trace_is_not_sent(tmp_path: Path, collector: Collector) -> None:
    with traced(tmp_path, collector.url) as server:
        headers = {"traceparent": f"00-{CALLER}-b7ad6b7169203331-00"}
        job = server.api.succeeded(server.api.submit("shrink", {}, headers=headers)["id"])
        assert job["result"] == CALLER, "the task stands in the trace all the same"
        server.api.submit("shrink", {})
    assert {span.trace for span in collector.spans if span.name == "load"} - {CALLER}
    assert not [span for span in collector.spans if span.trace == CALLER]


def test_a_lost_attempt_and_the_next_one_are_in_one_trace(tmp_path: Path, collector: Collector) -> None:
    gate = tmp_path / "gate"
    with traced(tmp_path, collector.url) as server:
        job_id = server.api.submit("shrink", {"gate": str(gate)})["id"]
        lost = server.api.lane_of(job_id)
        collector.sent("load")
        lost.kill()
        gate.touch()
        server.api.succeeded(job_id)
        spans = collector.trace_of(
            job_id, "POST /jobs/shrink", *2 * ("queue shrink", "attempt shrink", "load"), "resize"
        )
    request = named(spans, "POST /jobs/shrink")
    first, second = (span for span in spans if span.name == "attempt shrink")
    assert first.error is not None
    assert "SIGKILL" in first.error
    assert first.facts["error.type"] == "worker-died"
    assert (first.facts["offload.job.attempt"], first.facts["offload.outcome"]) == (1, "lost")
    assert first.facts["offload.lane.pid"] == lost.pid
    assert (second.facts["offload.job.attempt"], second.facts["offload.outcome"], second.error) == (
        2,
        "succeeded",
        None,
    )
    assert second.links == [first.id]
    assert [first.parent, second.parent] == [request.id, request.id]
    assert [span.parent for span in spans if span.name == "load"] == [first.id, second.id]
    waits = [span for span in spans if span.name == "queue shrink"]
    assert (waits[1].begin, waits[1].end) == (first.end, second.begin)


def test_a_trace_continues_after_a_restart(tmp_path: Path, collector: Collector) -> None:
    """Also the attempt that the service took along is told, and is the parent of what its task had sent."""
    gate = tmp_path / "gate"
    with traced(tmp_path, collector.url) as server:
        job_id = server.api.submit("shrink", {"gate": str(gate)})["id"]
        server.api.lane_of(job_id)
        until_sync(
            lambda: {"load", "POST /jobs/shrink"} <= {span.name for span in collector.spans}, what="its first step"
        )
        assert server.api.get("/jobs", state="running")["jobs"], "the start is on disk"
        server.kill()
        gate.touch()
        server.start()
        server.api.succeeded(job_id)
        spans = collector.trace_of(
            job_id, "POST /jobs/shrink", *2 * ("queue shrink", "attempt shrink", "load"), "resize"
        )
    assert len({span.trace for span in spans}) == 1
    first, second = (span for span in spans if span.name == "attempt shrink")
    assert (first.facts["error.type"], first.error) == ("interrupted", "The service died while the job was running.")
    assert second.links == [first.id]
    assert [span.parent for span in spans if span.name == "load"] == [first.id, second.id]


def test_members_of_a_batch_are_in_the_trace_of_its_request(tmp_path: Path, collector: Collector) -> None:
    with traced(tmp_path, collector.url, lanes=2) as server:
        jobs = [{"task": "shrink", "params": {}}, {"task": "refuse", "params": {"text": "that"}}]
        batch = server.api.http.post("/batches", json={"jobs": jobs}, headers={"Prefer": "wait=60"}).json()
        members = server.api.get("/jobs", batch=batch["id"])["jobs"]
        spans = collector.trace_of(members[0]["id"], "POST /batches", "attempt shrink", "attempt refuse", "resize")
    request, refused = named(spans, "POST /batches"), named(spans, "attempt refuse")
    assert {span.parent for span in spans if span.name.startswith(("queue", "attempt"))} == {request.id}
    assert {span.facts["offload.batch.id"] for span in spans if "offload.job.id" in span.facts} == {batch["id"]}
    assert (refused.facts["error.type"], refused.facts["offload.outcome"]) == ("task-raised", "failed")
    assert "I refuse that" in (refused.error or "")


def test_cancelled_jobs_have_spans_for_their_wait_and_run(tmp_path: Path, collector: Collector) -> None:
    with traced(tmp_path, collector.url) as server:
        running = server.api.submit("hold", {"gate": str(tmp_path / "gate")})["id"]
        waiting = server.api.submit("shrink", {})["id"]
        server.api.lane_of(running)
        server.api.cancel(waiting)
        server.api.cancel(running)
        attempt = named(collector.trace_of(running, "attempt hold"), "attempt hold")
        spans = collector.trace_of(waiting, "queue shrink", "POST /jobs/shrink")
    assert (attempt.facts["offload.outcome"], attempt.error) == ("cancelled", None)
    assert {span.name for span in spans} == {"queue shrink", "POST /jobs/shrink"}
    assert named(spans, "queue shrink").facts["offload.outcome"] == "cancelled"


def test_tasks_that_misuse_tracing_do_not_affect_later_jobs(tmp_path: Path, collector: Collector) -> None:
    with traced(tmp_path, collector.url) as server:
        api = server.api
        for task in ("scatter", "end_tracing", "leave_attached"):
            api.succeeded(api.submit(task.replace("_", "-"), {})["id"])
            job_id = api.submit("shrink", {})["id"]
            spans = collector.trace_of(job_id, *WHOLE)
            assert named(spans, "load").parent == named(spans, "attempt shrink").id
            assert api.succeeded(api.submit("left", {})["id"])["result"] == 0
    both = [span for span in collector.spans if span.name == "both"]
    assert len({span.id for span in both}) == 2, "the child's, too"
    assert len({(span.trace, span.parent) for span in both}) == 1
    collector.sent("last words")


def test_a_task_may_set_up_its_own_tracing(tmp_path: Path, collector: Collector) -> None:
    """Its module does so as it is imported. It stays, and stands in the job's trace."""
    with traced(tmp_path, collector.url, tasks="own_tracing:measure") as server:
        job = server.api.succeeded(server.api.submit("measure", {})["id"])
        (attempt,) = (
            span for span in collector.trace_of(job["id"], "attempt measure") if span.name == "attempt measure"
        )
    assert job["result"] == {"mine": True, "trace": attempt.trace}


def test_an_orderly_end_sends_the_last_spans(tmp_path: Path, collector: Collector) -> None:
    with traced(tmp_path, collector.url, {"OTEL_BSP_SCHEDULE_DELAY": "3600000"}) as server:
        job_id = server.api.submit("shrink", {}, headers={"Prefer": "wait=30"}, expect=200)["id"]
        assert not collector.spans, "nothing is due for an hour"
        for probe in ("/health/live", "/health/ready", "/metrics"):
            assert server.api.http.get(probe).status_code == 200
    assert {span.name for span in collector.trace_of(job_id, *WHOLE)} >= set(WHOLE)
    assert [span.name for span in collector.spans if "health" in span.name or "metrics" in span.name] == []


@pytest.mark.parametrize("stuck", [False, True], ids=["gone", "stuck"])
def test_jobs_run_without_the_collector(tmp_path: Path, stuck: bool) -> None:
    with Collector(stuck=stuck) as collector:
        url = collector.url if stuck else "http://127.0.0.1:9"
        few = {"OTEL_BSP_MAX_QUEUE_SIZE": "32", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "16"}
        with traced(tmp_path, url, few, lanes=2, shutdown_grace_s=4) as server:
            for _ in range(200):  # far more than may wait to be sent
                server.api.submit("shrink", {})
            job = server.api.submit("shrink", {})
            assert server.api.succeeded(job["id"])["attempt"] == 1
            if not stuck:
                until_sync(
                    lambda: "the collector does not accept traces" in server.stderr, within=30, what="the log to tell"
                )
            server.terminate()
            assert server.wait(within=6) == 0
        lines = [line for line in server.stderr.splitlines() if "trace" in line.lower() or "span" in line.lower()]
        assert len(lines) <= 4, lines


def test_invalid_trace_headers_do_not_flood_the_log(tmp_path: Path, collector: Collector) -> None:
    with traced(tmp_path, collector.url) as server:
        for _ in range(50):
            server.api.submit("shrink", {}, headers={"traceparent": "0" * 600, "baggage": "=" * 9000})
    assert len(server.stderr.splitlines()) <= 5, server.stderr


def test_log_lines_contain_their_trace_id(tmp_path: Path, collector: Collector) -> None:
    with traced(tmp_path, collector.url, log_format="json") as server:
        headers = {"traceparent": f"00-{CALLER}-b7ad6b7169203331-01"}
        server.api.submit("refuse", {"text": "it"}, headers={**headers, "Prefer": "wait=30"}, expect=200)
        server.api.http.post("/jobs/shrink", json={}, headers={**headers, "Origin": "https://evil.example"})
        until_sync(lambda: server.stderr.count(CALLER) == 2, what="two lines of the trace")
    lines = [line for line in server.stderr.splitlines() if CALLER in line]
    assert ["attempt ended" in lines[0], "request rejected" in lines[1]] == [True, True], lines


def test_a_missing_sdk_is_logged_and_the_service_runs_without_traces(tmp_path: Path, collector: Collector) -> None:
    hiding = tmp_path / "opentelemetry" / "sdk" / "__init__.py"  # of a namespace package, found first
    hiding.parent.mkdir(parents=True)
    hiding.write_text("raise ModuleNotFoundError('opentelemetry.sdk')")
    path = os.pathsep.join(filter(None, [str(tmp_path), os.environ.get("PYTHONPATH")]))
    with traced(tmp_path, collector.url, {"PYTHONPATH": path}, tasks="sample_tasks:greet") as server:
        assert "pip install '.[telemetry]'" in server.stderr
        server.api.succeeded(server.api.submit("greet", {"name": "you"})["id"])
    assert not collector.requests


def test_the_sdk_is_only_loaded_if_traces_are_requested(tmp_path: Path, collector: Collector) -> None:
    """For the server, see `tests/counts/test_modules.py`."""
    with traced(tmp_path, collector.url, {"OTEL_SDK_DISABLED": "true"}, tasks="sample_tasks:loaded") as server:
        job = server.api.submit("loaded", {"package": "opentelemetry"})
        assert server.api.succeeded(job["id"])["result"] == []
        server.stop()
        server.environment["OTEL_SDK_DISABLED"] = "false"
        server.start()
        job = server.api.submit("loaded", {"package": "opentelemetry"})
        assert "opentelemetry.sdk.trace" in server.api.succeeded(job["id"])["result"]


def test_the_environment_sets_the_service_name_and_the_sampling(tmp_path: Path, collector: Collector) -> None:
    few = {"OTEL_SERVICE_NAME": "thumbs", "OTEL_TRACES_SAMPLER": "always_off"}
    with traced(tmp_path, collector.url, few) as server:
        server.api.succeeded(server.api.submit("shrink", {})["id"])
        server.stop()
        del server.environment["OTEL_TRACES_SAMPLER"]
        job_id = server.start().api.submit("shrink", {})["id"]
        spans = collector.trace_of(job_id, *WHOLE)
    assert {span.resource["service.name"] for span in spans} == {"thumbs"}
    assert len({span.trace for span in collector.spans}) == 1
    assert not [span for span in collector.spans if "health" in span.name]


def test_the_drawing_of_the_document_is_what_a_killed_lane_leaves(tmp_path: Path, collector: Collector) -> None:
    found = blocks(ROOT / "docs/traces.md")
    (module,) = (block.text for block in found if block.file == "primes.py")
    (drawing,) = (block.text for block in found if block.language == "text")
    (tmp_path / "primes.py").write_text(module)
    path = os.pathsep.join(filter(None, [str(tmp_path), os.environ.get("PYTHONPATH")]))
    with traced(tmp_path, collector.url, {"PYTHONPATH": path}, tasks="primes:count_primes") as server:
        job_id = server.api.submit("count-primes", {"below": 10**8})["id"]
        server.api.lane_of(job_id).kill()
        server.api.succeeded(job_id)
        spans = collector.trace_of(job_id, "POST /jobs/count-primes", *2 * ("attempt count-primes",), "sieve", "count")
    shown = [re.split(r"  +[▇]", line)[0].rstrip() for line in drawing.splitlines()]
    assert list(drawn(spans)) == shown


def drawn(spans: list[Span], parent: str = "", stem: str = "") -> Iterator[str]:
    """The spans below one, as a tree."""
    children = [span for span in spans if span.parent == parent]
    for span in children:
        last = span is children[-1]
        yield f"{stem}{'' if not parent else '└─ ' if last else '├─ '}{span.name}"
        yield from drawn(spans, span.id, stem + ("" if not parent else "   " if last else "│  "))
