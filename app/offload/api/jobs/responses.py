"""A job or a batch as an HTTP answer."""

import hashlib
from collections.abc import Sequence

from offload.api.batches.views import render_batch
from offload.api.contract.queries import cursor
from offload.api.jobs.views import render_job
from offload.api.state import AppState
from offload.api.transport.fast_path import BytesResponse, Header
from offload.jobs.model import Batch, Job, State

JSON = (b"content-type", b"application/json")
REVALIDATE = (b"cache-control", b"private, no-cache")
"""May be kept, but must be asked for again: that is what the `ETag` is for."""
LIVE = (b"cache-control", b"no-store")
AGAIN = (b"retry-after", b"1")


def job_bytes(state: AppState, job: Job) -> bytes:
    """The job as it is at this moment."""
    service = state.service
    position = service.position(job)
    if position is None and job.state is State.QUEUED:
        position = 0  # it has left the queue since this record of it was made
    return render_job(job, progress=service.progress(job), position=position, now=state.clock())


def batch_bytes(state: AppState, batch: Batch) -> bytes:
    """The batch as it is at this moment."""
    return render_batch(batch, state.batches.fraction(batch))


def job_response(state: AppState, job: Job, status: int, *headers: Header) -> BytesResponse:
    """The job, with `Retry-After` as long as it is not terminal."""
    return _response(job_bytes(state, job), status, *headers, final=job.state.terminal)


def batch_response(state: AppState, batch: Batch, status: int, *headers: Header) -> BytesResponse:
    """The batch, with `Retry-After` until it is done."""
    return _response(batch_bytes(state, batch), status, *headers, final=batch.done)


def _response(body: bytes, status: int, *headers: Header, final: bool) -> BytesResponse:
    return BytesResponse(status, body, JSON, REVALIDATE, *(() if final else (AGAIN,)), *headers)


def poll_response(body: bytes, if_none_match: str | None, *, final: bool) -> BytesResponse:
    """What was looked at, with its `ETag`; 304 where the client has it. `Retry-After` unless it will never change."""
    tag = etag(body)
    if not none_match(if_none_match, tag):
        return _response(body, 200, (b"etag", tag), final=final)
    return BytesResponse(304, b"", (b"etag", tag), REVALIDATE, *(() if final else (AGAIN,)))


def page_response(name: bytes, items: Sequence[bytes], following: int | None) -> BytesResponse:
    """A page of a list; `following` is where the next one begins."""
    next_page = b"null" if following is None else b'"%s"' % cursor(following).encode()
    return BytesResponse(200, b'{"%s":[%s],"next":%s}' % (name, b",".join(items), next_page), JSON, LIVE)


def etag(body: bytes) -> bytes:
    """A strong entity tag of these bytes."""
    return b'"%s"' % hashlib.blake2b(body, digest_size=12).hexdigest().encode()


def none_match(if_none_match: str | None, tag: bytes) -> bool:
    """True where `If-None-Match` names the tag, by weak comparison (RFC 9110, 13.1.2)."""
    if if_none_match is None:
        return False
    tags = [one.strip().removeprefix("W/") for one in if_none_match.split(",")]
    return "*" in tags or tag.decode() in tags
