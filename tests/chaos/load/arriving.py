"""A batch whose members are cancelled while it arrives: a cancelled member must stay cancelled."""

import asyncio
import json

import httpx

from tests.chaos.ledger import Ledger, Line
from tests.chaos.load.calls import RETRY_S, Calls, UnexpectedResponseError
from tests.chaos.load.work import Work
from tests.support.caller import TERMINAL, Json

MEMBERS = 3000
"""Enough that they take some time from the journal to the queue."""
MOST_CANCELLED = 8
REPEATED = {409, 503}
"""Statuses after which the submission is repeated: its first request is still in progress, or the service stops."""


async def cancel_members(calls: Calls, ledger: Ledger, label: str) -> None:
    """Submits a batch with a key until it is accepted, waits until it is done, checks its members, and deletes it."""
    lines = {f"{label}-{number}": _line(f"{label}-{number}") for number in range(MEMBERS)}
    ledger.lines |= lines
    body = {
        "jobs": [
            {"task": line.work.task, "params": line.work.params_for(own), "labels": [own], **line.work.options}
            for own, line in lines.items()
        ]
    }
    while (batch := await _submit(calls, ledger, label, body, lines)) is None:  # noqa: ASYNC110  # the service may be down
        await asyncio.sleep(RETRY_S)
    while not (await calls.until_status("GET", f"/batches/{batch}?wait=2", 200)).json()["done"]:
        pass
    for job in await calls.every_job(batch=batch):
        line = lines[job["labels"][0]]
        line.id = job["id"]
        ledger.note(line, job)
        if job["state"] == "succeeded":
            ledger.check_result(line, json.dumps(job["result"]).encode())
    missing = sum(line.end is None for line in lines.values())
    if missing:
        ledger.broken.append(f"lost: {missing} of {MEMBERS} members of batch {batch}")
    await calls.until_status("DELETE", f"/batches/{batch}", 204, 404)
    for line in lines.values():
        line.deleted = True


def _line(label: str) -> Line:
    number = int(label.rpartition("-")[2])
    options = {"max_attempts": 1 + number % 3}
    return Line(label, Work(task="busy", params={"ms": number % 2}, options=options), key=None)


async def _submit(calls: Calls, ledger: Ledger, label: str, body: Json, lines: dict[str, Line]) -> str | None:
    """Submits once, and cancels members meanwhile. Returns the id of the batch, or None if it must be repeated."""
    headers = {"Idempotency-Key": label}
    post = asyncio.create_task(calls.once("POST", "/batches", json=body, headers=headers))
    tried: set[str] = set()
    while not post.done():
        response = await calls.once("GET", f"/jobs?limit={MOST_CANCELLED}")
        if response is None or response.status_code != httpx.codes.OK:
            await asyncio.sleep(RETRY_S)
            continue
        seen = {job["labels"][0]: job["id"] for job in response.json()["jobs"]}
        chosen = [own for own in seen if own in lines and own not in tried][: MOST_CANCELLED - len(tried)]
        tried.update(chosen)
        await asyncio.gather(*(_cancel(calls, ledger, lines[own], seen[own]) for own in chosen))
    response = await post
    if response is None or response.status_code in REPEATED:
        return None
    if response.status_code != httpx.codes.ACCEPTED:
        raise UnexpectedResponseError(response)
    return str(response.json()["id"])


async def _cancel(calls: Calls, ledger: Ledger, line: Line, job_id: str) -> None:
    """Cancels a member. A 409 is right only if the member has ended by itself."""
    line.cancel_sent = True
    response = await calls.once("POST", f"/jobs/{job_id}/cancel")
    if response is None:
        return
    if response.status_code == httpx.codes.OK:
        ledger.arriving_cancelled += 1
        line.id = job_id
        ledger.note(line, response.json())
    elif response.status_code == httpx.codes.CONFLICT:
        job = await calls.once("GET", f"/jobs/{job_id}")
        if job is not None and job.status_code == httpx.codes.OK and job.json()["state"] not in TERMINAL:
            ledger.broken.append(f"a live member was not cancelled while its batch arrived: {job.json()}")
