"""A batch in responses, and a line of its results."""

import json
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, Field

from offload.api.contract import times
from offload.api.contract.addresses import address
from offload.api.jobs.views import ProgressView, as_json, error_json
from offload.jobs.interfaces import Member
from offload.jobs.model import Batch


class CountsView(BaseModel):
    """How many jobs are in each state."""

    queued: int
    running: int
    succeeded: int
    failed: int
    cancelled: int


class BatchProgressView(ProgressView):
    """How many jobs have ended, and of how many. `fraction` includes the progress of running jobs."""

    done: int
    total: int
    fraction: float = Field(description="from 0 to 1")
    unit: Literal["jobs"]
    note: None


def _left_out(schema: dict[str, Any]) -> None:
    """Removes the default: the field may be absent, but it never has this value."""
    del schema["default"]


class BatchLinksView(BaseModel):
    """Related addresses."""

    self: str
    jobs: str
    results: str
    events: str
    cancel: str
    manifest: str = Field(default="", description="for batches of files", json_schema_extra=_left_out)
    report: str = Field(default="", description="for verifications", json_schema_extra=_left_out)


class BatchView(BaseModel):
    """A batch. Times are RFC 3339, UTC."""

    id: str = Field(description="a UUIDv7")
    kind: Literal["jobs", "file-digest", "verify"] = Field(description="what the batch was made from")
    size: int = Field(description="the number of accepted jobs")
    counts: CountsView
    done: bool = Field(description="true once no job is queued or running")
    progress: BatchProgressView
    labels: list[str]
    owner: str | None
    created_at: AwareDatetime
    finished_at: AwareDatetime | None
    links: BatchLinksView


class BatchesView(BaseModel):
    """A page of batches."""

    batches: list[BatchView]
    next: Annotated[str | None, Field(description="the cursor of the next page; null on the last page")]


_TEXTS: Mapping[str, Sequence[str]] = {
    "jobs": (),
    "file-digest": ("manifest",),
    "verify": ("manifest", "report"),
}


def render_batch(batch: Batch, fraction: float) -> bytes:
    """Returns the batch as JSON. `fraction` is its progress, from 0 to 1."""
    path = address(f"/batches/{batch.id}")
    members = {
        "id": batch.id,
        "kind": batch.kind,
        "size": batch.size,
        "counts": {state.value: count for state, count in batch.counts.items()},
        "done": batch.done,
        "progress": {
            "done": batch.ended,
            "total": batch.size,
            "fraction": round(fraction, 4),
            "unit": "jobs",
            "note": None,
        },
        "labels": batch.labels,
        "owner": batch.owner,
        "created_at": times.written(batch.created_at),
        "finished_at": None if batch.finished_at is None else times.written(batch.finished_at),
        "links": {
            "self": path,
            "jobs": address(f"/jobs?batch={batch.id}"),
            "results": f"{path}/results",
            "events": f"{path}/events",
            "cancel": f"{path}/cancel",
            **{name: f"{path}/{name}" for name in _TEXTS[batch.kind]},
        },
    }
    return json.dumps(members, ensure_ascii=False, separators=(",", ":")).encode(errors="backslashreplace")


def line_around(member: Member, error: str | None = None) -> tuple[bytes, bytes]:
    """Returns the text before and after the result in the line of a member. `error` replaces the error of the job."""
    job = member.job
    before = (
        f'{{"index":{member.place},"id":"{job.id}","task":{as_json(job.task)},"state":"{job.state.value}","result":'
    )
    after = f',"result_bytes":{as_json(job.result_bytes)},"error":{error or error_json(job)}}}\n'
    return before.encode(), after.encode(errors="backslashreplace")
