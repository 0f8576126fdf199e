"""A job's bytes: by hand in the code, held to the model here."""

import json
from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from offload.api.contract.failures import EXPLANATIONS
from offload.api.jobs.views import JobView, render_job
from offload.jobs.model import Failure, FailureKind, Job, Progress, State, Usage

texts = st.text(max_size=20)
ids = st.uuids().map(str)
times = st.integers(0, 4_000_000_000_000_000)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=5,
)
counts = st.none() | st.integers(0, 2**63 - 1)
usages = st.builds(
    Usage,
    wall_s=st.floats(0, 1e6),
    cpu_s=st.none() | st.floats(0, 1e6),
    peak_rss_bytes=counts,
)
failures = st.builds(
    Failure,
    kind=st.sampled_from(FailureKind),
    detail=texts,
    exception=st.none() | texts,
    traceback=st.none() | texts,
    exit_code=st.none() | st.integers(-64, 255),
    signal=st.none() | texts,
)
progresses = st.builds(
    Progress, done=counts, total=counts, unit=st.none() | texts, note=st.none() | texts, usage=st.none() | usages
)


def as_json(value: object) -> bytes:
    return json.dumps(value).encode()


jobs = st.builds(
    Job,
    id=ids,
    task=st.from_regex(r"[a-z0-9][a-z0-9-]*", fullmatch=True),
    params=st.dictionaries(texts, values, max_size=3).map(as_json),
    created_at=times,
    timeout_s=st.floats(0.001, 1e6) | st.integers(1, 10**9).map(float),
    memory_mb=st.integers(1, 2**31),
    max_attempts=st.integers(1, 10),
    priority=st.integers(-100, 100),
    labels=st.lists(texts, max_size=3).map(tuple),
    owner=st.none() | texts,
    batch_id=st.none() | ids,
    state=st.sampled_from(State),
    attempt=st.integers(0, 10),
    started_at=st.none() | times,
    finished_at=st.none() | times,
    result=st.none() | values.map(as_json),
    result_bytes=counts,
    failure=st.none() | failures,
    usage=st.none() | usages,
)


@given(job=jobs, progress=st.none() | progresses, position=counts, now=times)
def test_the_bytes_are_what_the_model_says(job: Job, progress: Progress | None, position: int | None, now: int) -> None:
    body = render_job(job, progress=progress, position=position, now=now)
    read: dict[str, Any] = json.loads(body.decode("utf-8"))
    JobView.model_validate_json(body)
    assert list(read) == list(JobView.model_fields)
    assert read["params"] == json.loads(job.params)
    assert read["result"] == (None if job.result is None else json.loads(job.result))
    assert (read["labels"], read["owner"], read["priority"]) == (list(job.labels), job.owner, job.priority)
    assert read["timeout_s"] == job.timeout_s
    assert float(job.timeout_s).is_integer() == isinstance(read["timeout_s"], int)
    assert _micros(read["created_at"]) == job.created_at
    assert read["created_at"].endswith("Z")
    assert len(read["created_at"]) == len("2026-11-22T09:00:00.000000Z")
    assert (read["error"] or {}).get("detail") == (job.failure.detail if job.failure else None)
    assert None not in (read["error"] or {}).values()


def _micros(text: str) -> int:
    return round((datetime.fromisoformat(text) - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() * 1e6)


def shown(progress: Progress | None) -> Any:  # JSON
    """What a job with this progress shows of it."""
    job = Job(
        id="i", task="t", params=b"{}", created_at=0, timeout_s=1, memory_mb=1, max_attempts=1, state=State.RUNNING
    )
    return json.loads(render_job(job, progress=progress, position=None, now=0))["progress"]


def test_the_fraction_is_known_where_both_numbers_are() -> None:
    assert shown(Progress(done=41943040, total=104857600))["fraction"] == 0.4
    assert shown(Progress(done=5))["fraction"] is None
    assert shown(Progress(done=0, total=0))["fraction"] == 1.0


def test_no_progress_is_null() -> None:
    assert shown(None) is None
    assert shown(Progress(usage=Usage(wall_s=1))) is None


def test_every_kind_of_failure_is_explained() -> None:
    assert set(EXPLANATIONS) == set(FailureKind)
