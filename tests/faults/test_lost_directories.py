"""The directories of results and uploads are removed while the server runs, and put back."""

from pathlib import Path

import pytest

from offload.jobs.model import Done, Usage
from tests.support.api_server import ApiServer, api_server
from tests.support.directories import taken_away
from tests.support.problems import problem

pytestmark = pytest.mark.anyio

LARGE = b'"' + b"x" * 100_000 + b'"'


async def with_a_large_result(server: ApiServer, **params: object) -> str:
    """A succeeded job whose result is a file: its path."""
    task = "file-digest" if "upload" in params else "fibonacci"
    job = (await server.client.post(f"/jobs/{task}", json=params)).json()
    key = await server.engine.running(job["id"])
    server.results.path(key).write_bytes(LARGE)
    await server.engine.end(job["id"], Done(result=None, result_bytes=len(LARGE), usage=Usage(wall_s=1)))
    await server.client.get(f"{job['links']['self']}?wait=10")
    path: str = job["links"]["self"]
    return path


async def test_missing_results_are_reported_and_found_again(tmp_path: Path) -> None:
    async with api_server(tmp_path) as server:
        path = await with_a_large_result(server, n=1)
        with taken_away(server.results.directory):
            response = await server.client.get(f"{path}/result")
            assert "Run the job again" in problem(response, 500, "internal-error")["detail"]
            assert (await server.client.get(path)).json()["state"] == "succeeded"
        assert (await server.client.get(f"{path}/result")).content == LARGE


@pytest.mark.parametrize("which", ["results", "uploads"])
async def test_a_job_is_deleted_even_if_its_files_can_not_be(tmp_path: Path, which: str) -> None:
    async with api_server(tmp_path) as server:
        upload = (await server.client.post("/uploads", content=b"abc")).json()["id"]
        path = await with_a_large_result(server, upload=upload)
        with taken_away(server.uploads_dir.with_name(which)):
            assert (await server.client.delete(path)).status_code == 204
            problem(await server.client.get(path), 404, "job-not-found")


async def test_uploads_are_rejected_and_then_accepted_again(tmp_path: Path) -> None:
    async with api_server(tmp_path) as server:
        upload = (await server.client.post("/uploads", content=b"abc")).json()["id"]
        with taken_away(server.uploads_dir):
            problem(await server.client.post("/uploads", content=b"abc"), 503, "storage-failed")
            form = {"file": ("a.txt", b"abc")}
            problem(await server.client.post("/jobs/file-digest/upload", files=form), 503, "storage-failed")
            answer = await server.client.post("/jobs/file-digest", json={"upload": upload})
            assert answer.status_code in {404, 503}, answer.text
        assert (await server.client.post("/jobs/file-digest", json={"upload": upload})).status_code == 202
        assert (await server.client.post("/uploads", content=b"abc")).status_code == 201
