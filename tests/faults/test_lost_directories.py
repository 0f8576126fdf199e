"""The directories of results and uploads are taken away under the running front desk, and put back."""

from pathlib import Path

import pytest

from offload.jobs.model import Done, Usage
from tests.support.directories import taken_away
from tests.support.front_desk import FrontDesk, front_desk
from tests.support.problems import problem

pytestmark = pytest.mark.anyio

LARGE = b'"' + b"x" * 100_000 + b'"'


async def with_a_large_result(desk: FrontDesk, **params: object) -> str:
    """A succeeded job whose result is a file: its path."""
    task = "file-digest" if "upload" in params else "fibonacci"
    job = (await desk.client.post(f"/jobs/{task}", json=params)).json()
    key = await desk.engine.running(job["id"])
    desk.results.path(key).write_bytes(LARGE)
    await desk.engine.end(job["id"], Done(result=None, result_bytes=len(LARGE), usage=Usage(wall_s=1)))
    await desk.client.get(f"{job['links']['self']}?wait=10")
    path: str = job["links"]["self"]
    return path


async def test_results_are_told_as_lost_and_are_there_again(tmp_path: Path) -> None:
    async with front_desk(tmp_path) as desk:
        path = await with_a_large_result(desk, n=1)
        with taken_away(desk.results.directory):
            assert (
                "Run the job again" in problem(await desk.client.get(f"{path}/result"), 500, "internal-error")["detail"]
            )
            assert (await desk.client.get(path)).json()["state"] == "succeeded"
        assert (await desk.client.get(f"{path}/result")).content == LARGE


@pytest.mark.parametrize("which", ["results", "uploads"])
async def test_a_job_can_be_deleted_whose_files_can_not(tmp_path: Path, which: str) -> None:
    async with front_desk(tmp_path) as desk:
        upload = (await desk.client.post("/uploads", content=b"abc")).json()["id"]
        path = await with_a_large_result(desk, upload=upload)
        with taken_away(desk.uploads_dir.with_name(which)):
            assert (await desk.client.delete(path)).status_code == 204
            problem(await desk.client.get(path), 404, "job-not-found")


async def test_uploads_are_refused_and_go_on_again(tmp_path: Path) -> None:
    async with front_desk(tmp_path) as desk:
        upload = (await desk.client.post("/uploads", content=b"abc")).json()["id"]
        with taken_away(desk.uploads_dir):
            problem(await desk.client.post("/uploads", content=b"abc"), 503, "storage-failed")
            form = {"file": ("a.txt", b"abc")}
            problem(await desk.client.post("/jobs/file-digest/upload", files=form), 503, "storage-failed")
            answer = await desk.client.post("/jobs/file-digest", json={"upload": upload})
            assert answer.status_code in {404, 503}, answer.text
        assert (await desk.client.post("/jobs/file-digest", json={"upload": upload})).status_code == 202
        assert (await desk.client.post("/uploads", content=b"abc")).status_code == 201
