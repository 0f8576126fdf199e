"""The disk of a real service is full, really: a file system of a few megabytes, filled up and made free again."""

from pathlib import Path

from tests.support.caller import Caller, Json, answer
from tests.support.server import Server
from tests.support.small_disk import SIZE_MB, Disk, disk
from tests.support.waiting import until_sync

__all__ = ["disk"]

LARGE = 300_000


def submit_until_full(api: Caller) -> tuple[list[str], Json]:
    """Submits until nothing more is taken: the accepted jobs, and the problem."""
    accepted: list[str] = []
    for number in range(20_000):
        response = api.http.post("/jobs/fibonacci", json={"n": number % 90})
        if response.status_code != 202:
            return accepted, answer(response, 507)
        accepted.append(response.json()["id"])
    raise AssertionError("the disk took it all")


def test_a_full_disk_is_reported_and_no_accepted_job_is_lost(tmp_path: Path, disk: Disk) -> None:
    gate, other = tmp_path / "gate", tmp_path / "other"
    with Server(tmp_path, data_dir=str(disk.directory / "data"), lanes=2) as server:
        api = server.api
        before = api.succeeded(api.submit("fibonacci", {"n": 90})["id"])
        held, cancelled = [api.submit("hold", {"gate": str(one)})["id"] for one in (gate, other)]
        for job_id in (held, cancelled):
            api.lane_of(job_id)
        disk.fill()
        accepted, problem = submit_until_full(api)
        assert problem["type"] == "/problems/storage-full"
        assert api.get("/health/ready", expect=503)["parts"].keys() == {"journal"}
        api.get("/health/live")

        # What is there can be read; what wants to be written is told.
        assert api.job(before["id"]) == before
        assert api.get("/jobs", limit=1000)["jobs"]
        assert answer(api.http.post("/uploads", content=bytes(100_000)), 507)["type"] == "/problems/storage-full"
        waits = api.http.post(f"/jobs/{cancelled}/cancel", timeout=10)
        assert waits.status_code in {200, 507}, waits.text
        gate.touch()

        disk.free()
        assert api.succeeded(held)["attempt"] == 1
        assert api.ended(cancelled)["state"] == "cancelled"
        for job_id in accepted:
            api.succeeded(job_id)
        api.succeeded(api.submit("fibonacci", {"n": 1})["id"])
        answer(api.http.post("/uploads", content=bytes(100_000)), 201)
        until_sync(lambda: api.http.get("/health/ready").status_code == 200, what="the service to be ready")
        server.kill()
        api = server.start().api
        for job_id in (before["id"], held, *accepted[-100:]):
            assert api.job(job_id)["state"] == "succeeded"


def test_a_large_result_waits_for_free_disk_space(tmp_path: Path, disk: Disk) -> None:
    with Server(tmp_path, data_dir=str(disk.directory / "data")) as server:
        api = server.api
        api.idle_lanes()
        disk.fill(but=200_000)  # room for the job, but none for its result
        job_id = api.submit("blob", {"size": LARGE, "seed": 1})["id"]

        def waits() -> bool:
            progress = api.job(job_id)["progress"] or {}
            return "No space left on device" in str(progress.get("note"))

        until_sync(waits, what="the job to say what it waits for")
        disk.free()
        assert api.succeeded(job_id)["attempt"] == 1
        assert len(api.result(job_id)) == LARGE


def test_a_start_on_a_full_disk_reads_and_deletes_and_recovers_by_itself(tmp_path: Path, disk: Disk) -> None:
    gate = tmp_path / "gate"
    with Server(tmp_path, data_dir=str(disk.directory / "data"), lanes=1) as server:
        api = server.api
        old = [api.succeeded(api.submit("fibonacci", {"n": n})["id"]) for n in range(20)]
        upload = answer(api.http.post("/uploads", content=bytes(1000)), 201)["id"]
        held, queued = [api.submit("hold", {"gate": str(gate)})["id"] for _ in range(2)]
        api.lane_of(held)
        disk.fill()
        server.kill()

        api = server.start().api
        assert api.get("/health/ready", expect=503)["parts"].keys() == {"journal"}
        assert api.submit("greet", {"name": "you"}, expect=507)["type"] == "/problems/storage-full"
        large = bytes(SIZE_MB << 19)
        assert answer(api.http.post("/uploads", content=large), 507)["type"] == "/problems/storage-full"
        assert api.job(old[0]["id"]) == old[0]
        for job in old:
            assert api.http.delete(f"/jobs/{job['id']}").status_code == 204
        assert api.http.delete(f"/uploads/{upload}").status_code == 204
        gate.touch()
        for job_id in (held, queued):
            api.succeeded(job_id)
        assert api.submit("greet", {"name": "you"}, expect=507)

        disk.free()
        until_sync(lambda: api.http.get("/health/ready").status_code == 200, what="the service to be ready")
        api.succeeded(api.submit("greet", {"name": "you"})["id"])
        answer(api.http.post("/uploads", content=bytes(1000)), 201)


def test_finished_jobs_can_be_deleted_while_the_disk_is_full(tmp_path: Path, disk: Disk) -> None:
    with Server(tmp_path, data_dir=str(disk.directory / "data")) as server:
        api = server.api
        ended = [api.succeeded(api.submit("fibonacci", {"n": n})["id"])["id"] for n in range(100)]
        disk.fill()
        submit_until_full(api)
        for job_id in ended:
            assert api.http.delete(f"/jobs/{job_id}").status_code == 204
        disk.free()
