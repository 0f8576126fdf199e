"""The thin HTTP app in front of a peer. BENCH_PEER names the adapter. The app is the same for all peers.

An adapter's module has `submit(task, arguments) -> id` and `ended(id) -> bool`, both plain functions, which FastAPI
then calls in its threads, or both coroutine functions; and a `lifespan` if it needs one.
"""

import importlib
import inspect
import os
from typing import Any

from fastapi import FastAPI, HTTPException
from pydantic import BaseModel

peer: Any = importlib.import_module(f"bench.peers.{os.environ['BENCH_PEER']}")
app = FastAPI(lifespan=getattr(peer, "lifespan", None))


class Nothing(BaseModel):
    """No parameters."""


class Burn(BaseModel):
    """Parameters of `work.burn`."""

    rounds: int


@app.get("/health/live")
async def live() -> None:
    """Answers."""


def queued(job_id: str) -> dict[str, str]:
    return {"id": job_id, "state": "queued"}


def shown(job_id: str, ended: bool | None) -> dict[str, str]:
    if ended is None:
        raise HTTPException(404)
    return {"id": job_id, "state": "succeeded" if ended else "queued"}


if inspect.iscoroutinefunction(peer.submit):

    @app.post("/jobs/noop", status_code=202)
    async def noop(_: Nothing) -> dict[str, str]:
        return queued(await peer.submit("noop", {}))

    @app.post("/jobs/burn", status_code=202)
    async def burn(params: Burn) -> dict[str, str]:
        return queued(await peer.submit("burn", params.model_dump()))

    @app.get("/jobs/{job_id}")
    async def poll(job_id: str) -> dict[str, str]:
        return shown(job_id, await peer.ended(job_id))

else:

    @app.post("/jobs/noop", status_code=202)
    def noop_in_thread(_: Nothing) -> dict[str, str]:
        return queued(peer.submit("noop", {}))

    @app.post("/jobs/burn", status_code=202)
    def burn_in_thread(params: Burn) -> dict[str, str]:
        return queued(peer.submit("burn", params.model_dump()))

    @app.get("/jobs/{job_id}")
    def poll_in_thread(job_id: str) -> dict[str, str]:
        return shown(job_id, peer.ended(job_id))
