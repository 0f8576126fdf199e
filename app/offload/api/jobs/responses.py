"""Responses with a job, a batch or a page of them."""

import hashlib
from collections.abc import Sequence

from fastapi import Response

from offload.api.batches.views import render_batch
from offload.api.contract.addresses import address
from offload.api.contract.queries import cursor
from offload.api.contract.request_headers import preferred_wait
from offload.api.jobs.views import render_job
from offload.api.state import AppState, Caller
from offload.api.transport.fast_path import BytesResponse, Header
from offload.jobs.acceptance.batches import AcceptedBatch
from offload.jobs.acceptance.jobs import AcceptedJob
from offload.jobs.model import Batch, Job, State

JSON = (b"content-type", b"application/json")
REVALIDATE = (b"cache-control", b"private, no-cache")
"""A cache may keep the response, but must revalidate it by its `ETag`."""
LIVE = (b"cache-control", b"no-store")
RETRY_AFTER = (b"retry-after", b"1")


def job_bytes(state: AppState, job: Job) -> bytes:
    """Returns the job as it is now, as JSON."""
    service = state.service
    position = service.position(job)
    if position is None and job.state is State.QUEUED:
        position = 0  # it has left the queue since this record was read
    return render_job(job, progress=service.progress(job), position=position, now=state.clock())


def batch_bytes(state: AppState, batch: Batch) -> bytes:
    """Returns the batch as it is now, as JSON."""
    return render_batch(batch, state.batches.fraction(batch))


def job_response(state: AppState, job: Job, status: int, *headers: Header) -> BytesResponse:
    """Returns the job, with `Retry-After` until it has ended."""
    return _response(job_bytes(state, job), status, *headers, final=job.state.terminal)


def batch_response(state: AppState, batch: Batch, status: int, *headers: Header) -> BytesResponse:
    """Returns the batch, with `Retry-After` until it is done."""
    return _response(batch_bytes(state, batch), status, *headers, final=batch.done)


def _response(body: bytes, status: int, *headers: Header, final: bool) -> BytesResponse:
    return BytesResponse(status, body, JSON, REVALIDATE, *(() if final else (RETRY_AFTER,)), *headers)


async def accepted_job_response(state: AppState, accepted: AcceptedJob, caller: Caller, prefer: str | None) -> Response:
    """Returns 202 with the job, or 200 if the client preferred to wait and the job has ended."""
    job = accepted.job
    headers, wait = _headers(f"/jobs/{job.id}", accepted.replayed, prefer)
    if wait is None:
        return job_response(state, job, 202, *headers)
    job = await state.service.wait(caller, job.id, wait)
    return job_response(state, job, 200 if job.state.terminal else 202, *headers)


async def accepted_batch_response(
    state: AppState, accepted: AcceptedBatch, caller: Caller, prefer: str | None
) -> Response:
    """Returns 202 with the batch, or 200 if the client preferred to wait and the batch is done."""
    batch = accepted.batch
    headers, wait = _headers(f"/batches/{batch.id}", accepted.replayed, prefer)
    if wait is None:
        return batch_response(state, batch, 202, *headers)
    batch = await state.batches.wait(caller, batch.id, wait)
    return batch_response(state, batch, 200 if batch.done else 202, *headers)


def _headers(path: str, replayed: bool, prefer: str | None) -> tuple[list[Header], int | None]:
    """Returns the headers of the response, and the seconds that the client prefers to wait, or None."""
    headers: list[Header] = [(b"location", address(path).encode())]
    if replayed:
        headers.append((b"idempotency-replayed", b"true"))
    wait = preferred_wait(prefer) if prefer else None
    if wait is not None:
        headers.append((b"preference-applied", b"wait=%d" % wait))
    return headers, wait


def poll_response(body: bytes, if_none_match: str | None, *, final: bool) -> BytesResponse:
    """Returns a body with its `ETag`, or 304 if the client has this version. `Retry-After` unless it is `final`."""
    tag = etag(body)
    if not none_match(if_none_match, tag):
        return _response(body, 200, (b"etag", tag), final=final)
    return BytesResponse(304, b"", (b"etag", tag), REVALIDATE, *(() if final else (RETRY_AFTER,)))


def page_response(name: bytes, items: Sequence[bytes], next_position: int | None) -> BytesResponse:
    """Returns a page of a list; `next_position` is where the next page starts."""
    next_page = b"null" if next_position is None else b'"%s"' % cursor(next_position).encode()
    return BytesResponse(200, b'{"%s":[%s],"next":%s}' % (name, b",".join(items), next_page), JSON, LIVE)


def etag(body: bytes) -> bytes:
    """Returns a strong entity tag of these bytes."""
    return b'"%s"' % hashlib.blake2b(body, digest_size=12).hexdigest().encode()


def none_match(if_none_match: str | None, tag: bytes) -> bool:
    """True if `If-None-Match` contains the tag, by weak comparison (RFC 9110, 13.1.2)."""
    if if_none_match is None:
        return False
    tags = [one.strip().removeprefix("W/") for one in if_none_match.split(",")]
    return "*" in tags or tag.decode() in tags
