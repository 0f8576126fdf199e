"""What the service is measured against: a bare FastAPI app that stores in memory, and the naive pool behind it."""

import multiprocessing
from collections.abc import AsyncIterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI, HTTPException
from pydantic import BaseModel

from bench.work import noop

jobs: dict[int, dict[str, Any]] = {}
pool: ProcessPoolExecutor


class Params(BaseModel):
    """Parameters of about the shape that a submission has."""

    n: int = 1000
    algorithm: str = "fast"


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    """Holds the naive pool, started before it is measured."""
    global pool
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("forkserver")) as pool:
        for future in [pool.submit(noop) for _ in range(8)]:
            future.result()
        yield


app = FastAPI(lifespan=lifespan)


@app.post("/bare", status_code=202)
async def bare(params: Params) -> dict[str, Any]:
    """Validates, stores in memory, answers."""
    job = jobs[len(jobs)] = {"id": len(jobs), "state": "queued", "params": params}
    return job


@app.get("/bare/{job_id}")
async def bare_job(job_id: int) -> dict[str, Any]:
    """Answers what is stored."""
    if job_id not in jobs:
        raise HTTPException(404)
    return jobs[job_id]


@app.post("/naive", status_code=202)
async def naive() -> dict[str, Any]:
    """Hands a no-op to the pool, remembers it in memory only."""
    job: dict[str, Any] = {"id": len(jobs), "state": "queued"}
    jobs[job["id"]] = job
    pool.submit(noop).add_done_callback(lambda _: job.update(state="succeeded"))
    return job


@app.get("/naive/done")
async def naive_done() -> int:
    """How many have ended."""
    return sum(job["state"] == "succeeded" for job in jobs.values())
