"""Converts jobs and batches to rows, and back. Labels, usage and failure are stored as JSON text."""

import json
from dataclasses import asdict
from typing import Any

from offload.jobs.model import Batch, Failure, FailureKind, Job, State, Usage

Row = tuple[Any, ...]
"""The columns of `statements.COLUMNS`. `Any`, since a type checker can't know the types of SQLite's values."""

_STATES = {str(state): state for state in State}


def accepted(job: Job) -> Row:
    """Returns the whole job, in the order of `statements.COLUMNS`."""
    return (
        job.id,
        job.task,
        job.params,
        job.created_at,
        job.timeout_s,
        job.memory_mb,
        job.max_attempts,
        job.priority,
        json.dumps(job.labels) if job.labels else "[]",
        job.owner,
        job.batch_id,
        job.upload,
        job.cost,
        job.trace,
        *changed(job),
    )


def changed(job: Job) -> Row:
    """Returns what an attempt changes of a job: the last of `statements.COLUMNS`, for `statements.replace`."""
    return (
        str(job.state),
        job.attempt,
        job.started_at,
        job.finished_at,
        job.result,
        job.result_bytes,
        _failure_text(job.failure),
        _usage_text(job.usage),
    )


def job(row: Row) -> Job:
    """Returns the job of a row that starts with `statements.COLUMNS`."""
    return Job(
        id=row[0],
        task=row[1],
        params=row[2],
        created_at=row[3],
        timeout_s=row[4],
        memory_mb=row[5],
        max_attempts=row[6],
        priority=row[7],
        labels=() if row[8] == "[]" else tuple(json.loads(row[8])),
        owner=row[9],
        batch_id=row[10],
        upload=row[11],
        cost=row[12],
        trace=row[13],
        state=_STATES[row[14]],
        attempt=row[15],
        started_at=row[16],
        finished_at=row[17],
        result=row[18],
        result_bytes=row[19],
        failure=None if row[20] is None else _failure(row[20]),
        usage=None if row[21] is None else Usage(**json.loads(row[21])),
    )


def new_batch(batch: Batch) -> Row:
    """Returns the batch without its source, in the order of `statements.BATCH_COLUMNS`."""
    return (
        batch.id,
        batch.kind,
        batch.size,
        batch.created_at,
        batch.owner,
        json.dumps(batch.labels),
        *(batch.counts[state] for state in State),
        batch.finished_at,
    )


def batch(row: Row, source: bytes | None = None) -> Batch:
    """Returns the batch of a row that starts with `statements.BATCH_COLUMNS`."""
    return Batch(
        id=row[0],
        kind=row[1],
        size=row[2],
        created_at=row[3],
        owner=row[4],
        labels=tuple(json.loads(row[5])),
        source=source,
        counts=dict(zip(State, row[6 : 6 + len(State)], strict=True)),
        finished_at=row[6 + len(State)],
    )


def _failure_text(failure: Failure | None) -> str | None:
    # ASCII with escapes: a traceback may hold lone surrogates (file names that are not UTF-8), which TEXT can't store.
    return None if failure is None else json.dumps(asdict(failure))


def _failure(text: str) -> Failure:
    facts = json.loads(text)
    return Failure(**{**facts, "kind": FailureKind(facts["kind"])})


def _usage_text(usage: Usage | None) -> str | None:
    if usage is None:
        return None
    # Not `asdict`, which copies deeply and takes five times as long. This runs once per job.
    return json.dumps({"wall_s": usage.wall_s, "cpu_s": usage.cpu_s, "peak_rss_bytes": usage.peak_rss_bytes})
