"""Helpers for batches over HTTP."""

import json
from collections.abc import Sequence
from typing import Any

from tests.support.api_server import ApiServer

Json = dict[str, Any]


def fib(n: int, **options: object) -> Json:
    """Returns a member of a batch."""
    return {"task": "fibonacci", "params": {"n": n}, **options}


async def posted(server: ApiServer, jobs: Sequence[Json], status: int = 202, *, labels: Sequence[str] = ()) -> Json:
    """Submits a batch of these members. Returns the batch, or the problem."""
    body = {"jobs": list(jobs), **({"labels": list(labels)} if labels else {})}
    answer = await server.client.post("/batches", json=body)
    assert answer.status_code == status, answer.text
    batch: Json = answer.json()
    return batch


async def members(server: ApiServer, batch: Json) -> list[Json]:
    """Returns the jobs of a batch in the order of submission."""
    jobs: list[Json] = (await server.client.get(batch["links"]["jobs"])).json()["jobs"]
    return jobs[::-1]


async def results(server: ApiServer, batch: Json) -> list[Json]:
    """Returns the lines of a batch's results."""
    answer = await server.client.get(batch["links"]["results"])
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/jsonl")
    return [json.loads(line) for line in answer.text.splitlines()]


async def done(server: ApiServer, batch: Json) -> Json:
    """Returns the batch when it is done."""
    found: Json = (await server.client.get(batch["links"]["self"] + "?wait=60")).json()
    assert found["done"], found
    return found
