"""Health, statistics, API documents and retention of a real service."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.support.caller import Caller
from tests.support.server import Server
from tests.support.waiting import until_sync


def test_the_service_is_live_and_ready(api: Caller) -> None:
    api.get("/health/live")
    api.get("/health/ready")


def test_stats_show_the_lanes(api: Caller, gate: Path) -> None:
    idle = {lane.pid for lane in api.idle_lanes()}
    assert len(idle) == 2
    job_id = api.submit("hold", {"gate": str(gate)})["id"]
    lane = api.lane_of(job_id)
    (busy,) = (lane for lane in api.lanes() if lane["job"] == job_id)
    assert (busy["state"], busy["pid"]) == ("busy", lane.pid)
    assert busy["busy_s"] >= 0
    assert lane.pid in idle


def test_the_docs_load_nothing_from_other_hosts(api: Caller) -> None:
    page = api.http.get("/docs")
    assert page.status_code == 200
    assert not re.findall(r"""(?:src|href)\s*=\s*["']?(?:https?:)?//""", page.text)
    needed = re.findall(r"""(?:src|href)="([^"]+)\"""", page.text)
    assert any(name.endswith(".js") for name in needed)
    for name in needed:
        assert api.http.get(name).status_code == 200, name


def test_the_open_api_describes_the_calls(api: Caller) -> None:
    described = api.get("/openapi.json")
    assert {"/jobs/fibonacci", "/jobs/file-digest", "/jobs/{id}", "/jobs/{id}/result"} <= set(described["paths"])


def test_an_unknown_id_is_never_pending(api: Caller) -> None:
    unknown = "0192f0c1-2345-7abc-8def-0123456789ab"
    assert api.get(f"/jobs/{unknown}", expect=404)["type"] == "/problems/job-not-found"
    assert api.cancel(unknown, expect=404)["type"] == "/problems/job-not-found"


def test_a_job_is_deleted_with_its_result_when_its_retention_ends(tmp_path: Path) -> None:
    with Server(tmp_path) as server:
        old = server.api.succeeded(server.api.submit("blob", {"size": 100_000, "seed": 1})["id"])
        kept_files = results_of(server, old["id"])
        assert kept_files
        server.stop()

        finished = datetime.fromisoformat(old["finished_at"])
        until_sync(lambda: datetime.now(UTC) - finished > timedelta(seconds=1), what="the retention to end")
        api = server.start(retention_s=1).api
        until_sync(lambda: api.http.get(f"/jobs/{old['id']}").status_code == 404, what="the job to be forgotten")
        until_sync(lambda: not results_of(server, old["id"]), what="its result to go")
        assert api.get("/jobs")["jobs"] == []


def results_of(server: Server, job_id: str) -> list[Path]:
    return list(server.data_dir.rglob(f"{job_id}*"))
