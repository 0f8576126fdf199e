"""Every call of the API that this client makes, each by a plain function."""

import base64
import json
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from math import ceil
from typing import Any, TypedDict, TypeVar
from urllib.parse import quote

from pydantic_core import to_jsonable_python

from offload.client import reading
from offload.client.call import Answer, Call, Source
from offload.client.errors import UnsendableError
from offload.client.records import Batch, BatchPage, Job, JobPage, Member, Record, Stats, Task, TaskList, Upload

R = TypeVar("R", bound=Record)

Query = tuple[tuple[str, str], ...]

LONGEST_WAIT_S = 60
"""The service waits no longer for one answer."""

JSON = ("Content-Type", "application/json")


class GivenOptions(TypedDict, total=False):
    """`Options` as arguments by name."""

    priority: int | None
    timeout_s: float | None
    max_attempts: int | None
    memory_mb: int | None
    labels: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What a submission may say besides its parameters. None, and no labels: as the service has it."""

    priority: int | None = None
    timeout_s: float | None = None
    max_attempts: int | None = None
    memory_mb: int | None = None
    labels: Sequence[str] = ()

    def query(self) -> Query:
        """As query parameters."""
        said = [(name, value) for name, value in self._said().items() if name != "labels"]
        return (*((name, str(value)) for name, value in said), *(("label", label) for label in self.labels))

    def member(self) -> dict[str, Any]:
        """As fields of a batch's member."""
        return self._said()

    def _said(self) -> dict[str, Any]:
        names = ("priority", "timeout_s", "max_attempts", "memory_mb")
        said = {name: value for name in names if (value := getattr(self, name)) is not None}
        return said | ({"labels": list(self.labels)} if self.labels else {})


NO_OPTIONS = Options()


def submit(
    task: str,
    params: Mapping[str, Any],
    options: Options = NO_OPTIONS,
    *,
    idempotency_key: str | None = None,
    wait_s: float = 0,
) -> Call[Job]:
    """Submits a job. Its key, a new one unless given, makes that safe to send twice."""
    return _submission(
        f"/jobs/{_segment(task)}", Job, to_json(dict(params)), options, idempotency_key=idempotency_key, wait_s=wait_s
    )


def submit_batch(
    members: Iterable[Member | Mapping[str, Any]],
    labels: Sequence[str] = (),
    *,
    idempotency_key: str | None = None,
    wait_s: float = 0,
) -> Call[Batch]:
    """Submits jobs of any tasks, all or none."""
    body: dict[str, Any] = {"jobs": list(members)} | ({"labels": list(labels)} if labels else {})
    return _submission("/batches", Batch, to_json(body), idempotency_key=idempotency_key, wait_s=wait_s)


def submit_files(
    pattern: str,
    algorithms: Sequence[str] = ("sha256",),
    options: Options = NO_OPTIONS,
    *,
    idempotency_key: str | None = None,
) -> Call[Batch]:
    """Submits a job for each file below the service's files directory that matches."""
    body = {"pattern": pattern, "algorithms": list(algorithms)}
    return _submission("/batches/file-digest", Batch, to_json(body), options, idempotency_key=idempotency_key)


def verify(
    manifest: str | bytes,
    algorithm: str | None = None,
    options: Options = NO_OPTIONS,
    *,
    idempotency_key: str | None = None,
) -> Call[Batch]:
    """Submits a job for each line of a manifest, as `sha256sum` and its kin write it."""
    body = manifest.encode("utf-8", "surrogateescape") if isinstance(manifest, str) else manifest
    path, kind = "/batches/file-digest/verify", ("Content-Type", "text/plain; charset=utf-8")
    extra = (("algorithm", algorithm),) if algorithm is not None else ()
    return _submission(path, Batch, body, options, idempotency_key=idempotency_key, kind=kind, extra=extra)


def _submission(
    path: str,
    kind_of: type[R],
    body: bytes,
    options: Options = NO_OPTIONS,
    *,
    idempotency_key: str | None,
    wait_s: float = 0,
    kind: tuple[str, str] = JSON,
    extra: Query = (),
) -> Call[R]:
    wait = min(ceil(wait_s), LONGEST_WAIT_S)
    prefer = (("Prefer", f"wait={wait}"),) if wait > 0 else ()
    key = str(uuid.uuid4()) if idempotency_key is None else idempotency_key
    return Call(
        method="POST",
        path=path,
        read=_as(kind_of),
        query=(*options.query(), *extra),
        headers=(kind, ("Idempotency-Key", key), *prefer),
        body=body,
        waits_s=max(0, wait),
    )


def job(job_id: str, *, wait_s: int = 0) -> Call[Job]:
    """The job, at once or as soon as it has ended within `wait_s` (at most 60)."""
    return _look(f"/jobs/{_segment(job_id)}", Job, wait_s)


def batch(batch_id: str, *, wait_s: int = 0) -> Call[Batch]:
    """The batch, at once or as soon as it is done within `wait_s` (at most 60)."""
    return _look(f"/batches/{_segment(batch_id)}", Batch, wait_s)


def _look(path: str, kind: type[R], wait_s: int) -> Call[R]:
    query = (("wait", str(wait_s)),) if wait_s > 0 else ()
    return Call(method="GET", path=path, read=_as(kind), query=query, waits_s=max(0, wait_s))


def job_events(job_id: str) -> Call[None]:
    """A stream of the job's changes."""
    return _stream(f"/jobs/{_segment(job_id)}/events")


def batch_events(batch_id: str) -> Call[None]:
    """A stream of the batch's changes."""
    return _stream(f"/batches/{_segment(batch_id)}/events")


def events() -> Call[None]:
    """A stream of the changes of all jobs."""
    return _stream("/events")


def _stream(path: str) -> Call[None]:
    headers = (("Accept", "text/event-stream"), ("Cache-Control", "no-store"))
    return Call(method="GET", path=path, read=reading.nothing, headers=headers)


def result(job_id: str) -> Call[Any]:
    """The whole result."""
    return Call(method="GET", path=f"/jobs/{_segment(job_id)}/result", read=reading.json_of)


def logs(job_id: str, attempt: int | None = None) -> Call[str]:
    """What the job, or one attempt of it, has printed and logged."""
    query = (("attempt", str(attempt)),) if attempt is not None else ()
    return Call(method="GET", path=f"/jobs/{_segment(job_id)}/logs", query=query, read=reading.text)


def cancel(job_id: str) -> Call[Job]:
    """Stops a job, queued or running."""
    return Call(method="POST", path=f"/jobs/{_segment(job_id)}/cancel", read=_as(Job))


def cancel_batch(batch_id: str) -> Call[Batch]:
    """Stops all jobs of a batch that are queued or running."""
    return Call(method="POST", path=f"/batches/{_segment(batch_id)}/cancel", read=_as(Batch))


def delete(job_id: str) -> Call[None]:
    """Forgets a job that has ended."""
    return _delete(f"/jobs/{_segment(job_id)}")


def delete_batch(batch_id: str) -> Call[None]:
    """Forgets a batch that is done, with all of its jobs."""
    return _delete(f"/batches/{_segment(batch_id)}")


def delete_upload(upload_id: str) -> Call[None]:
    """Forgets an upload."""
    return _delete(f"/uploads/{_segment(upload_id)}")


def _delete(path: str) -> Call[None]:
    return Call(method="DELETE", path=path, read=reading.nothing, forgets=True)


def moment(at: datetime | str) -> str:
    """As the service reads it: RFC 3339. A time without a zone is this machine's."""
    return at if isinstance(at, str) else at.astimezone().isoformat()


def jobs(where: Query, *, limit: int, cursor: str | None = None) -> Call[JobPage]:
    """A page of jobs, newest first."""
    return _page("/jobs", JobPage, where, limit, cursor)


def batches(*, limit: int, cursor: str | None = None) -> Call[BatchPage]:
    """A page of batches, newest first."""
    return _page("/batches", BatchPage, (), limit, cursor)


def _page(path: str, kind: type[R], where: Query, limit: int, cursor: str | None) -> Call[R]:
    after = (("cursor", cursor),) if cursor is not None else ()
    return Call(method="GET", path=path, read=_as(kind), query=(*where, ("limit", str(limit)), *after))


def batch_results(batch_id: str) -> Call[None]:
    """A stream of lines, one for each job of the batch."""
    return Call(method="GET", path=f"/batches/{_segment(batch_id)}/results", read=reading.nothing)


def manifest(batch_id: str, algorithm: str = "sha256", *, bsd: bool = False, zero: bool = False) -> Call[str]:
    """The digests of a batch of files, as `sha256sum` and its kin write them."""
    query = (("algorithm", algorithm), *((("format", "bsd"),) if bsd else ()), *((("zero", "true"),) if zero else ()))
    return Call(method="GET", path=f"/batches/{_segment(batch_id)}/manifest", query=query, read=reading.text)


def report(batch_id: str) -> Call[str]:
    """What became of each line of a manifest, as `sha256sum -c` tells it."""
    return Call(method="GET", path=f"/batches/{_segment(batch_id)}/report", read=reading.text)


def tasks() -> Call[TaskList]:
    """All tasks."""
    return Call(method="GET", path="/tasks", read=_as(TaskList))


def task(name: str) -> Call[Task]:
    """One task."""
    return Call(method="GET", path=f"/tasks/{_segment(name)}", read=_as(Task))


def stats() -> Call[Stats]:
    """What the service is doing."""
    return Call(method="GET", path="/stats", read=_as(Stats))


def upload(source: Source, name: str, *, again: bool, sha256: bytes | None = None) -> Call[Upload]:
    """Sends a file. `again`: the source can be read a second time. With `sha256`, the service checks what arrives."""
    size = (("Content-Length", str(source.size)),) if source.size is not None else ()
    digest = (("Repr-Digest", f"sha-256=:{base64.b64encode(sha256).decode()}:"),) if sha256 is not None else ()
    return Call(
        method="POST",
        path="/uploads",
        query=(("name", name),),
        headers=(("Content-Type", "application/octet-stream"), *size, *digest),
        body=source,
        read=_as(Upload),
        safe=again,
    )


def to_json(value: object) -> bytes:
    """JSON of plain data; of models, dates, paths and their kin as pydantic writes them. NaN is a ValueError."""
    return json.dumps(value, allow_nan=False, default=to_jsonable_python).encode()


def _as(kind: type[R]) -> Callable[[Answer], R]:
    return partial(_record, kind)


def _record(kind: type[R], answer: Answer) -> R:
    return reading.record(kind, reading.json_of(answer))


def _segment(name: str) -> str:
    """A name as one part of a path. A name of dots would be taken out of the path, and be another call."""
    if not name.strip("."):
        raise UnsendableError(f"{name!r} is no id or name")
    try:
        return quote(name, safe="")
    except UnicodeEncodeError as error:
        raise UnsendableError(f"{name!r} is no text ({error.reason})") from None
