"""The API: each call is a function that returns a request, which names how its response is read.

Sending is left to the clients, so this description serves both.
"""

import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from math import ceil
from typing import Any, TypeVar
from urllib.parse import quote

import httpx

from offload.client import responses
from offload.client.errors import UnsendableError
from offload.client.records import Batch, BatchPage, Job, JobPage, Member, Record, Stats, Task, TaskList, Upload
from offload.client.request import Body, Pairs, Request, to_json
from offload.client.responses import record_of
from offload.options import SubmitOptions, query_parameters

R = TypeVar("R", bound=Record)
T = TypeVar("T")

LONGEST_WAIT_S = 60
"""The service waits no longer before it responds."""


NO_OPTIONS = SubmitOptions()


# Submissions


def submit(
    task: str,
    params: Mapping[str, Any],
    options: SubmitOptions = NO_OPTIONS,
    *,
    idempotency_key: str | None = None,
    wait_s: float = 0,
) -> Request[Job]:
    """Submit a job. The idempotency key, a new one by default, makes it safe to send the request twice."""
    path = f"/jobs/{_segment(task)}"
    return _submission(
        path, Job, to_json(dict(params)), query_parameters(options), idempotency_key=idempotency_key, wait_s=wait_s
    )


def submit_batch(
    members: Iterable[Member | Mapping[str, Any]],
    labels: Sequence[str] = (),
    *,
    idempotency_key: str | None = None,
    wait_s: float = 0,
) -> Request[Batch]:
    """Submit jobs of any tasks, all or none."""
    content: dict[str, Any] = {"jobs": list(members)} | ({"labels": list(labels)} if labels else {})
    return _submission("/batches", Batch, to_json(content), idempotency_key=idempotency_key, wait_s=wait_s)


def submit_files(
    pattern: str,
    algorithms: Sequence[str] = ("sha256",),
    options: SubmitOptions = NO_OPTIONS,
    *,
    idempotency_key: str | None = None,
) -> Request[Batch]:
    """Submit a job for each file below the service's files directory that matches."""
    content = to_json({"pattern": pattern, "algorithms": list(algorithms)})
    return _submission(
        "/batches/file-digest", Batch, content, query_parameters(options), idempotency_key=idempotency_key
    )


def verify(
    manifest: str | bytes,
    algorithm: str | None = None,
    options: SubmitOptions = NO_OPTIONS,
    *,
    idempotency_key: str | None = None,
) -> Request[Batch]:
    """Submit a job for each line of a manifest, as `sha256sum` and compatible tools write it."""
    return _submission(
        "/batches/file-digest/verify",
        Batch,
        manifest.encode("utf-8", "surrogateescape") if isinstance(manifest, str) else manifest,
        (*query_parameters(options), *_given("algorithm", algorithm)),
        idempotency_key=idempotency_key,
        content_type="text/plain; charset=utf-8",
    )


def _submission(
    path: str,
    kind: type[R],
    content: bytes,
    query: Pairs = (),
    *,
    idempotency_key: str | None,
    wait_s: float = 0,
    content_type: str = "application/json",
) -> Request[R]:
    key = str(uuid.uuid4()) if idempotency_key is None else idempotency_key
    wait = max(0, min(ceil(wait_s), LONGEST_WAIT_S))
    prefer = (("Prefer", f"wait={wait}"),) if wait else ()
    return Request(
        method="POST",
        path=path,
        read=record_of(kind),
        query=query,
        headers=(("Content-Type", content_type), ("Idempotency-Key", key), *prefer),
        content=content,
        wait_s=wait,
    )


# Jobs


def job(job_id: str, *, wait_s: int = 0) -> Request[Job]:
    """Get the job now, or as soon as it has ended within `wait_s` (at most 60)."""
    return _get_waiting(f"/jobs/{_segment(job_id)}", Job, wait_s)


def jobs(filters: Pairs, *, limit: int, cursor: str | None = None) -> Request[JobPage]:
    """Get a page of jobs, newest first."""
    return _get("/jobs", record_of(JobPage), (*filters, ("limit", str(limit)), *_given("cursor", cursor)))


def job_events(job_id: str) -> Request[None]:
    """Stream the job's changes."""
    return _stream(f"/jobs/{_segment(job_id)}/events")


def result(job_id: str) -> Request[Any]:
    """Get the whole result."""
    return _get(f"/jobs/{_segment(job_id)}/result", responses.json_value)


def logs(job_id: str, attempt: int | None = None) -> Request[str]:
    """Get what the job, or one attempt of it, has printed and logged."""
    return _get(f"/jobs/{_segment(job_id)}/logs", responses.text, _given("attempt", attempt))


def cancel(job_id: str) -> Request[Job]:
    """Cancel a job that is queued or running."""
    return Request(method="POST", path=f"/jobs/{_segment(job_id)}/cancel", read=record_of(Job))


def delete(job_id: str) -> Request[None]:
    """Delete a job that has ended."""
    return _delete(f"/jobs/{_segment(job_id)}")


# Batches


def batch(batch_id: str, *, wait_s: int = 0) -> Request[Batch]:
    """Get the batch now, or as soon as it is done within `wait_s` (at most 60)."""
    return _get_waiting(f"/batches/{_segment(batch_id)}", Batch, wait_s)


def batches(*, limit: int, cursor: str | None = None) -> Request[BatchPage]:
    """Get a page of batches, newest first."""
    return _get("/batches", record_of(BatchPage), (("limit", str(limit)), *_given("cursor", cursor)))


def batch_events(batch_id: str) -> Request[None]:
    """Stream the batch's changes."""
    return _stream(f"/batches/{_segment(batch_id)}/events")


def batch_results(batch_id: str) -> Request[None]:
    """Stream a line of JSON for each job of the batch."""
    return _get(f"/batches/{_segment(batch_id)}/results", responses.nothing)


def cancel_batch(batch_id: str) -> Request[Batch]:
    """Cancel all jobs of a batch that are queued or running."""
    return Request(method="POST", path=f"/batches/{_segment(batch_id)}/cancel", read=record_of(Batch))


def delete_batch(batch_id: str) -> Request[None]:
    """Delete a batch that is done, with all its jobs."""
    return _delete(f"/batches/{_segment(batch_id)}")


def manifest(batch_id: str, algorithm: str = "sha256", *, bsd: bool = False, zero: bool = False) -> Request[str]:
    """Get the digests of a batch of files, as `sha256sum` and compatible tools write them."""
    query = (
        ("algorithm", algorithm),
        *_given("format", "bsd" if bsd else None),
        *_given("zero", "true" if zero else None),
    )
    return _get(f"/batches/{_segment(batch_id)}/manifest", responses.text, query)


def report(batch_id: str) -> Request[str]:
    """Get the outcome for each line of a manifest, as `sha256sum -c` prints it."""
    return _get(f"/batches/{_segment(batch_id)}/report", responses.text)


# The service


def tasks() -> Request[TaskList]:
    """Get all tasks."""
    return _get("/tasks", record_of(TaskList))


def task(name: str) -> Request[Task]:
    """Get one task."""
    return _get(f"/tasks/{_segment(name)}", record_of(Task))


def stats() -> Request[Stats]:
    """Get what the service is doing."""
    return _get("/stats", record_of(Stats))


def events() -> Request[None]:
    """Stream the changes of all jobs."""
    return _stream("/events")


def upload(body: Body, name: str, *, repeatable: bool) -> Request[Upload]:
    """Upload a file. `repeatable`: the body can be read a second time."""
    return Request(
        method="POST",
        path="/uploads",
        read=record_of(Upload),
        query=(("name", name),),
        headers=(("Content-Type", "application/octet-stream"), *_given("Content-Length", body.size)),
        content=body,
        repeatable=repeatable,
    )


def delete_upload(upload_id: str) -> Request[None]:
    """Delete an upload."""
    return _delete(f"/uploads/{_segment(upload_id)}")


# What they are made of


def _get(path: str, read: Callable[[httpx.Response], T], query: Pairs = ()) -> Request[T]:
    return Request(method="GET", path=path, read=read, query=query)


def _get_waiting(path: str, kind: type[R], wait_s: int) -> Request[R]:
    query = (("wait", str(wait_s)),) if wait_s > 0 else ()
    return Request(method="GET", path=path, read=record_of(kind), query=query, wait_s=max(0, wait_s))


def _stream(path: str) -> Request[None]:
    headers = (("Accept", "text/event-stream"), ("Cache-Control", "no-store"))
    return Request(method="GET", path=path, read=responses.nothing, headers=headers)


def _delete(path: str) -> Request[None]:
    return Request(method="DELETE", path=path, read=responses.nothing, deletes=True)


def _given(name: str, value: object) -> Pairs:
    """Return the query parameter or header, or nothing for None."""
    return () if value is None else ((name, str(value)),)


def _segment(name: str) -> str:
    """Return a name as one segment of a path. Dots alone would name another path, so they raise `UnsendableError`."""
    if not name.strip("."):
        raise UnsendableError(f"{name!r} is not an id or name")
    try:
        return quote(name, safe="")
    except UnicodeEncodeError as error:
        raise UnsendableError(f"{name!r} is not valid text ({error.reason})") from None
