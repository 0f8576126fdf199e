"""The digests of a batch of files as a manifest for `sha256sum -c`, and reports as `sha256sum -c` prints them."""

import asyncio
import json
import os
from collections import Counter
from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from offload.api.contract.openapi import problems
from offload.api.contract.queries import BatchId, strictly
from offload.api.digests.batches import TASK
from offload.api.state import AppState, Caller, State
from offload.digests.algorithms import Algorithm
from offload.digests.manifests import Entry, Form, write_entry
from offload.digests.reports import Finding, finding, load_report_source, report_end, report_line
from offload.digests.task import FileDigest
from offload.errors import (
    BatchNotFoundError,
    InvalidParametersError,
    JobNotFinishedError,
    NotFoundError,
    StorageFailedError,
)
from offload.jobs.model import Batch, Job
from offload.jobs.model import State as JobState

router = APIRouter(tags=["batches"])

_TEXT: dict[str, Any] = {"text/plain": {"schema": {"type": "string"}}}


def _flag(value: object) -> object:
    """Reads a flag: `true`, `1` or the name alone; `false` or `0`."""
    return {"": True, "1": True, "true": True, "0": False, "false": False}.get(str(value), value)


class ManifestQuery(BaseModel):
    """The form of the manifest."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    algorithm: Algorithm = "sha256"
    format: Annotated[Form, Field(description="`bsd` has the algorithm in each line, like `--tag`")] = "gnu"
    zero: Annotated[
        bool, BeforeValidator(_flag), Field(description="end each line with NUL and escape nothing, like `--zero`")
    ] = False


def _text(lines: AsyncIterator[bytes]) -> StreamingResponse:
    """Returns a response without a charset, since the names of files may have any encoding."""
    return StreamingResponse(lines, headers={"Content-Type": "text/plain", "Cache-Control": "no-store"})


@router.get(
    "/batches/{id}/manifest",
    dependencies=[strictly(ManifestQuery)],
    operation_id="batch_manifest",
    summary="Fetch the digests as a manifest",
    response_class=StreamingResponse,
    responses={
        200: {"description": "A line for each file that was digested, in the order of submission", "content": _TEXT},
        **problems(BatchNotFoundError, JobNotFinishedError, InvalidParametersError, StorageFailedError),
    },
)
async def get_manifest(
    state: State, caller: Caller, batch_id: BatchId, query: Annotated[ManifestQuery, Query()]
) -> StreamingResponse:
    """For `sha256sum -c`, `b3sum --check` and compatible tools. Failed jobs are left out; see the batch's `counts`."""
    batch = await _done(state, caller, batch_id)
    if not await _computes(state, batch, query.algorithm):
        msg = f"No job of this batch has computed {query.algorithm}"
        raise InvalidParametersError(f"{msg}.", errors=[{"loc": ["query", "algorithm"], "msg": msg}])
    return _text(_manifest(state, batch, query))


@router.get(
    "/batches/{id}/report",
    operation_id="batch_report",
    summary="Fetch the report of a verification",
    response_class=StreamingResponse,
    responses={
        200: {
            "description": "A line for each file: `OK`, `FAILED`, `MISSING`, `FAILED open or read` or `CANCELLED`; "
            "then a `WARNING` with the number of malformed lines, of unreadable files and of mismatches, if any",
            "content": _TEXT,
        },
        **problems(BatchNotFoundError, NotFoundError, JobNotFinishedError, StorageFailedError),
    },
)
async def get_report(state: State, caller: Caller, batch_id: BatchId) -> StreamingResponse:
    """As `sha256sum -c` prints it, in the order of the manifest."""
    batch = await state.batches.get(caller, batch_id)
    if batch.kind != "verify":
        raise NotFoundError(f"Batch {batch_id} verifies no manifest, so there is no report of it.")
    return _text(_report(state, await _done(state, caller, batch_id)))


async def _done(state: AppState, caller: Caller, batch_id: str) -> Batch:
    batch = await state.batches.get(caller, batch_id)
    if not batch.done:
        live = batch.size - batch.ended
        raise JobNotFinishedError(f"{live} jobs of batch {batch_id} have not finished.", retry_after=1)
    return batch


async def _computes(state: AppState, batch: Batch, algorithm: Algorithm) -> bool:
    async for members in state.batches.members(batch.id):
        if any(
            algorithm in FileDigest.model_validate_json(job.params).computed() for _, job in members if job.task == TASK
        ):
            return True
    return False


async def _manifest(state: AppState, batch: Batch, query: ManifestQuery) -> AsyncIterator[bytes]:
    async for members in state.batches.members(batch.id):
        lines = bytearray()
        for _, job in members:
            if job.task == TASK and job.state is JobState.SUCCEEDED:
                result = await _result(state, job)
                digest = result["digests"].get(query.algorithm)
                if digest is not None:
                    name = _path(job) or result["name"].encode()
                    lines += write_entry(Entry(name, query.algorithm, digest), query.format, zero=query.zero)
        yield bytes(lines)


async def _report(state: AppState, batch: Batch) -> AsyncIterator[bytes]:
    manifest = load_report_source(batch.source or b"")
    findings: Counter[Finding] = Counter()
    async for members in state.batches.members(batch.id):
        lines = bytearray()
        for place, job in members:
            verified = (await _result(state, job))["verified"] if job.state is JobState.SUCCEEDED else None
            found = finding(job, verified)
            findings[found] += 1
            lines += report_line(manifest.name(place, _path(job) or b""), found)
        yield bytes(lines)
    yield report_end(manifest, findings)


def _path(job: Job) -> bytes | None:
    """Returns the bytes of a job's path, or None for an upload."""
    file = FileDigest.model_validate_json(job.params).file
    return None if file is None else os.fsencode(file)


async def _result(state: AppState, job: Job) -> dict[str, Any]:
    source = state.service.result_source(job)
    text = source if isinstance(source, bytes) else await asyncio.to_thread(source.read_bytes)
    result: dict[str, Any] = json.loads(text)
    return result
