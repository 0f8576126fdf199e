"""The naive pool: a `ProcessPoolExecutor` behind FastAPI that remembers its jobs in memory only."""

import asyncio
import multiprocessing
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI, Header, HTTPException
from pydantic import BaseModel

from bench import work

WORKERS = 2

jobs: dict[int, dict[str, Any]] = {}
pool: ProcessPoolExecutor


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    """Keeps the pool, with started processes."""
    global pool
    with ProcessPoolExecutor(WORKERS, mp_context=multiprocessing.get_context("forkserver")) as pool:
        for future in [pool.submit(work.noop) for _ in range(4 * WORKERS)]:
            future.result()
        yield


app = FastAPI(lifespan=lifespan)


class Nothing(BaseModel):
    """No parameters."""


class Burn(BaseModel):
    """Parameters of `work.burn`."""

    rounds: int


@app.get("/health/live")
async def live() -> None:
    """Answers."""


@app.post("/jobs/noop", status_code=202)
async def noop(_: Nothing, prefer: str | None = Header(None)) -> dict[str, Any]:
    """Submits a no-op to the pool. With `Prefer: wait` the response comes when it has ended."""
    job, future = _submit(work.noop)
    if prefer:
        await asyncio.wrap_future(future)
        return {"id": job["id"], "state": "succeeded"}
    return job


@app.post("/jobs/burn", status_code=202)
async def burn(params: Burn) -> dict[str, Any]:
    """Submits work to the pool."""
    return _submit(work.burn, params.rounds)[0]


@app.get("/jobs/{job_id}")
async def poll(job_id: int) -> dict[str, Any]:
    """Returns the state of a job."""
    if job_id not in jobs:
        raise HTTPException(404)
    return jobs[job_id]


def _submit(function: Callable[..., object], *arguments: object) -> tuple[dict[str, Any], Future[object]]:
    job: dict[str, Any] = {"id": len(jobs), "state": "queued"}
    jobs[job["id"]] = job
    future = pool.submit(function, *arguments)
    future.add_done_callback(lambda _: job.update(state="succeeded"))
    return job, future
