"""A day in the life of a service, in short: what a client does, what it was told, and what must be true afterwards."""

import asyncio
import json
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from offload.jobs.housekeeping import Retention, delete_expired
from offload.jobs.interfaces import JobFilter
from offload.jobs.model import Job, Lost, Progress, State
from offload.stores.journal import SqliteJournal
from offload.stores.uploads import UploadDirectory
from tests.support.api_server import ApiServer
from tests.support.journals import opened
from tests.support.waiting import until

REFUSED = {(503, "/problems/storage-failed"), (507, "/problems/storage-full")}


@dataclass
class Told:
    """What the client was told. A submission is known by its `n`, a job by its id."""

    accepted: dict[int, str] = field(default_factory=dict)
    refused: set[int] = field(default_factory=set)
    ended: dict[str, str] = field(default_factory=dict)
    """The terminal state that a job was seen in."""
    deleted: set[str] = field(default_factory=set)


class Client:
    """Does each thing once, like a script, and takes a refusal for an answer."""

    def __init__(self, server: ApiServer, told: Told) -> None:
        self._http = server.client
        self._told = told

    async def submit(self, n: int, key: str | None = None) -> str | None:
        headers = {} if key is None else {"Idempotency-Key": key}
        response = await self._http.post("/jobs/fibonacci", json={"n": n}, headers=headers)
        if response.status_code != 202:
            expect_refusal(response)
            self._told.refused |= {n} - self._told.accepted.keys()
            return None
        job_id: str = response.json()["id"]
        assert self._told.accepted.setdefault(n, job_id) == job_id, "one key, two jobs"
        self._told.refused.discard(n)
        return job_id

    async def cancel(self, job_id: str | None) -> None:
        if job_id is None:
            return
        response = await asyncio.wait_for(self._http.post(f"/jobs/{job_id}/cancel"), 10)
        if response.status_code == 200:
            self._saw(response.json())
        elif response.status_code != 409:
            expect_refusal(response)

    async def look(self, job_id: str) -> str | None:
        """The job's state; None where it is gone, or can't be read now."""
        response = await self._http.get(f"/jobs/{job_id}")
        if response.status_code == 200:
            return self._saw(response.json())
        if response.status_code == 404:
            assert job_id in self._told.deleted, f"{job_id} disappeared"
        else:
            expect_refusal(response)
        return None

    async def delete(self, job_id: str | None) -> None:
        if job_id is None:
            return
        response = await self._http.delete(f"/jobs/{job_id}")
        if response.status_code == 204:
            self._told.deleted.add(job_id)
        elif response.status_code != 409:
            expect_refusal(response)

    def _saw(self, job: dict[str, str]) -> str:
        if State(job["state"]).terminal:
            seen = self._told.ended.setdefault(job["id"], job["state"])
            assert seen == job["state"], f"{job['id']} was {seen} and became {job['state']}"
        return job["state"]


def expect_refusal(response: httpx.Response) -> None:
    problem = response.json()
    assert (response.status_code, problem["type"]) in REFUSED, response.text


async def play(server: ApiServer, told: Told) -> Client:
    """Jobs are submitted, one twice by its key; report, end, are lost; are cancelled queued and running; deleted."""
    client, engine = Client(server, told), server.engine
    first, second, third, fourth, _ = [
        await client.submit(n, key) for n, key in ((1, None), (2, "key"), (3, None), (4, None), (5, None))
    ]
    if first is not None:
        await engine.report(first, Progress(done=1, total=2))
        await engine.end(first)
    await client.cancel(fourth)
    if second is not None:
        await engine.end(second, Lost(detail="It died."))
    if third is not None:
        await engine.running(third)
    await client.cancel(third)
    await client.submit(2, "key")
    await client.submit(6)
    await client.delete(first)
    return client


async def finish(server: ApiServer, client: Client, told: Told) -> None:
    """Lets everything that was accepted end; no restart is needed for that."""

    async def all_ended() -> bool:
        for key in server.engine.running_keys():
            await server.engine.end(key.job_id)
        live = [job_id for job_id in told.accepted.values() if job_id not in told.deleted]
        states = [await client.look(job_id) for job_id in live]
        return all(state is not None and State(state).terminal for state in states)

    await until(all_ended, what="every accepted job to end")


async def expire(server: ApiServer, journal: SqliteJournal, told: Told) -> None:
    """Retention takes all that has ended, the jobs with a key after it."""
    retention = Retention(jobs_s=-1, keys_s=-1)
    uploads = UploadDirectory(server.uploads_dir)
    state = server.state
    work = asyncio.create_task(
        delete_expired(journal, uploads, state.service, state.dispatcher, state.clock, retention)
    )
    try:
        told.deleted |= set(told.accepted.values())
        await until(lambda: none_left(journal), what="retention to take all")
    finally:
        work.cancel()
        await asyncio.wait([work])


async def none_left(journal: SqliteJournal) -> bool:
    return not (await journal.list(JobFilter(), 1)).jobs


async def left_on_disk(path: Path) -> dict[int, Job]:
    """What a new start finds, by `n`."""
    async with opened(path) as journal:
        jobs = (await journal.list(JobFilter(), 1000)).jobs
    found = {json.loads(job.params)["n"]: job for job in jobs}
    assert len(found) == len(jobs), f"one submission, two jobs: {jobs}"
    return found


def expect_truth(told: Told, found: dict[int, Job]) -> None:
    """What is on disk agrees with what the client was told."""
    kept = {n: job_id for n, job_id in told.accepted.items() if job_id not in told.deleted}
    assert kept.items() <= {n: job.id for n, job in found.items()}.items(), "accepted, and not on disk"
    assert not told.refused & found.keys(), "refused, and yet on disk"
    for job in found.values():
        assert job.id not in told.deleted, f"deleted, and back: {job}"
        assert told.ended.get(job.id, job.state) == job.state, f"told as {told.ended[job.id]}: {job}"
