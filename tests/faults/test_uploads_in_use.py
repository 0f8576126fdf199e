"""An upload expires, or another job that uses it is deleted, while a job is submitted for it."""

import asyncio
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import httpx
import pytest

from offload.jobs.interfaces import IdempotencyKey
from offload.jobs.model import Batch, Job
from offload.stores.upload_files import remove_upload
from tests.support.api_server import ApiServer, api_server
from tests.support.memory_journal import MemoryJournal
from tests.support.problems import problem
from tests.support.waiting import until

pytestmark = pytest.mark.anyio

ALL = 2**62
"""A time after every upload's arrival."""


class SlowJournal(MemoryJournal):
    """Takes a new job only when it is let."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = asyncio.Event()
        self.let = asyncio.Event()

    def add(
        self, jobs: Sequence[Job], key: IdempotencyKey | None = None, batch: Batch | None = None
    ) -> asyncio.Future[None]:
        return asyncio.ensure_future(self._add(jobs, key, batch))

    async def _add(self, jobs: Sequence[Job], key: IdempotencyKey | None, batch: Batch | None) -> None:
        self.asked.set()
        await self.let.wait()
        await super().add(jobs, key, batch)


async def uploaded(server: ApiServer) -> str:
    upload: str = (await server.client.post("/uploads", content=b"abc")).json()["id"]
    return upload


def submit(server: ApiServer, upload: str) -> asyncio.Task[httpx.Response]:
    return asyncio.create_task(server.client.post("/jobs/file-digest", json={"upload": upload}))


async def expire(server: ApiServer) -> None:
    await server.state.uploads.expire(ALL, server.state.dispatcher.live.uses)


def submit_batch(server: ApiServer, upload: str) -> asyncio.Task[httpx.Response]:
    jobs = [{"task": "file-digest", "params": {"upload": upload}}]
    return asyncio.create_task(server.client.post("/batches", json={"jobs": jobs}))


@pytest.mark.parametrize("patient", [True, False], ids=["client stays", "client goes"])
@pytest.mark.parametrize("send", [submit, submit_batch])
async def test_an_upload_stays_while_a_job_for_it_is_being_accepted(
    tmp_path: Path, send: Callable[[ApiServer, str], asyncio.Task[httpx.Response]], patient: bool
) -> None:
    journal = SlowJournal()
    async with api_server(tmp_path, journal=journal) as server:
        upload = await uploaded(server)
        submission = send(server, upload)
        await asyncio.wait_for(journal.asked.wait(), 10)
        if not patient:
            submission.cancel()
            await asyncio.wait([submission])
        await expire(server)
        assert (server.uploads_dir / upload).exists()
        journal.let.set()
        job_id = (await until(lambda: server.engine.started, what="the job to run"))[0].key.job_id
        await expire(server)
        assert (server.uploads_dir / upload).exists()
        await server.engine.end(job_id)
        await server.client.get(f"/jobs/{job_id}?wait=10")
        await expire(server)
        assert not (server.uploads_dir / upload).exists()


async def test_an_upload_that_is_being_removed_no_longer_exists(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    removing, go, remove = threading.Event(), threading.Event(), remove_upload

    def slowly(path: Path) -> None:
        removing.set()
        assert go.wait(10)
        remove(path)

    async with api_server(tmp_path) as server:
        upload = await uploaded(server)
        monkeypatch.setattr("offload.stores.uploads.remove_upload", slowly)
        expiry = asyncio.create_task(expire(server))
        await until(removing.is_set, what="the removal to begin")
        try:
            problem(await submit(server, upload), 404, "upload-not-found")
        finally:
            go.set()
        await expiry
