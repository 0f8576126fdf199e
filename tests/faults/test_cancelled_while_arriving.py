"""A job is cancelled when it is in the journal, but not yet in the queue: by a client that has seen it in a list."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import httpx
import pytest

from offload.jobs.interfaces import IdempotencyKey
from offload.jobs.model import Batch, Job
from tests.support.api_server import ApiServer, api_server
from tests.support.memory_journal import MemoryJournal

pytestmark = pytest.mark.anyio


class LateJournal(MemoryJournal):
    """Has a new job immediately, and reports that when it is let."""

    def __init__(self) -> None:
        super().__init__()
        self.has = asyncio.Event()
        self.let = asyncio.Event()
        self.asked = asyncio.Event()
        """Set when a job or batch is looked up, as a request to cancel it does first."""

    async def get(self, job_id: str) -> Job | None:
        self.asked.set()
        return await super().get(job_id)

    async def get_batch(self, batch_id: str) -> Batch | None:
        self.asked.set()
        return await super().get_batch(batch_id)

    def add(
        self, jobs: Sequence[Job], key: IdempotencyKey | None = None, batch: Batch | None = None
    ) -> asyncio.Future[None]:
        return asyncio.ensure_future(self._add(jobs, key, batch))

    async def _add(self, jobs: Sequence[Job], key: IdempotencyKey | None, batch: Batch | None) -> None:
        await super().add(jobs, key, batch)
        self.has.set()
        await self.let.wait()


async def listed(server: ApiServer) -> list[str]:
    return [job["id"] for job in (await server.client.get("/jobs")).json()["jobs"]]


async def cancel_before_it_is_queued(server: ApiServer, journal: LateJournal, path: str) -> httpx.Response:
    """Sends the request while the job arrives; the response may have to wait for that."""
    cancelling = asyncio.create_task(server.client.post(f"{path}/cancel"))
    await asyncio.wait_for(journal.asked.wait(), 10)
    journal.let.set()
    return await cancelling


@pytest.mark.parametrize("members", [1, 250])
async def test_a_member_is_cancelled(tmp_path: Path, members: int) -> None:
    journal = LateJournal()
    async with api_server(tmp_path, journal=journal) as server:
        jobs = [{"task": "fibonacci", "params": {"n": n}} for n in range(members)]
        submitting = asyncio.create_task(server.client.post("/batches", json={"jobs": jobs}))
        await asyncio.wait_for(journal.has.wait(), 10)
        last = (await listed(server))[0]
        response = await cancel_before_it_is_queued(server, journal, f"/jobs/{last}")
        assert (response.status_code, response.json()["state"]) == (200, "cancelled")
        assert (await submitting).status_code == 202
        assert (await server.client.get(f"/jobs/{last}")).json()["state"] == "cancelled"


async def test_a_single_job_is_cancelled(tmp_path: Path) -> None:
    journal = LateJournal()
    async with api_server(tmp_path, journal=journal) as server:
        submitting = asyncio.create_task(server.client.post("/jobs/fibonacci", json={"n": 1}))
        await asyncio.wait_for(journal.has.wait(), 10)
        (job_id,) = await listed(server)
        response = await cancel_before_it_is_queued(server, journal, f"/jobs/{job_id}")
        assert (response.status_code, response.json()["state"]) == (200, "cancelled")
        assert (await submitting).json()["id"] == job_id


async def test_a_batch_is_cancelled(tmp_path: Path) -> None:
    journal = LateJournal()
    async with api_server(tmp_path, journal=journal) as server:
        jobs = [{"task": "fibonacci", "params": {"n": n}} for n in range(250)]
        submitting = asyncio.create_task(server.client.post("/batches", json={"jobs": jobs}))
        await asyncio.wait_for(journal.has.wait(), 10)
        (batch,) = (await server.client.get("/batches")).json()["batches"]
        response = await cancel_before_it_is_queued(server, journal, f"/batches/{batch['id']}")
        assert response.json()["counts"]["cancelled"] == 250
        assert (await submitting).status_code == 202
