"""A bare FastAPI app: what a request costs that is validated, remembered in memory, and answered."""

from typing import Any

from fastapi import FastAPI, HTTPException
from pydantic import BaseModel

jobs: dict[int, dict[str, Any]] = {}
app = FastAPI()


class Params(BaseModel):
    """Parameters of about the shape that a submission has."""

    n: int = 1000
    algorithm: str = "fast"


@app.get("/health/live")
async def live() -> None:
    """Answers."""


@app.post("/jobs/noop", status_code=202)
async def submit(params: Params) -> dict[str, Any]:
    """Validates and stores parameters, and returns them."""
    job = jobs[len(jobs)] = {"id": len(jobs), "state": "succeeded", "params": params}
    return job


@app.get("/jobs/{job_id}")
async def poll(job_id: int) -> dict[str, Any]:
    """Returns what is stored."""
    if job_id not in jobs:
        raise HTTPException(404)
    return jobs[job_id]
