"""The clients against a real service, as a script uses them. Each test runs over both."""

import io
import json
import os
import pickle
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from offload.client import (
    Client,
    Job,
    JobCancelledError,
    JobChanged,
    JobDeleted,
    JobFailedError,
    LoadAgain,
    OffloadError,
    RefusedError,
    RemoteExecutor,
    UnreachableError,
)
from tests.support.both_clients import Connect
from tests.support.server import Server
from tests.support.waiting import until_sync


@pytest.fixture
def offload(url: str, connect: Connect) -> Iterator[Client]:
    """A client of the running service."""
    with connect(url) as offload:
        yield offload


def test_a_job_from_its_submission_to_its_result(offload: Client) -> None:
    job = offload.submit("fibonacci", {"n": 90}, priority=7, timeout_s=12.5, max_attempts=3, memory_mb=64, labels=["a"])
    assert (job.task, job.params, job.priority, job.timeout_s) == ("fibonacci", {"n": 90}, 7, 12.5)
    assert (job.max_attempts, job.memory_mb, job.labels) == (3, 64, ("a",))
    ended = offload.wait(job.id, timeout_s=30)
    assert (ended.state, ended.ended, ended.result_is_here) == ("succeeded", True, True)
    assert ended.result == offload.result(job.id) == {"n": 90, "value": "2880067194370816120", "digits": 19}
    assert offload.job(job.id) == ended


def test_an_unknown_option_is_a_type_error(offload: Client) -> None:
    with pytest.raises(TypeError, match="prority"):
        offload.submit("fibonacci", {"n": 1}, prority=7)  # type: ignore[call-arg]  # which the checker sees, too
    with pytest.raises(TypeError, match="prority"):
        RemoteExecutor(offload.url, prority=7)  # type: ignore[call-arg]


def test_the_response_may_wait_for_the_end(offload: Client) -> None:
    assert offload.submit("greet", {"name": "Ada"}, wait_s=30).result == {"lines": ["Hello, Ada!"]}


def test_a_large_result_is_fetched(offload: Client) -> None:
    job = offload.submit("blob", {"size": 3_000_000, "seed": 1}, wait_s=30)
    assert (job.result, job.result_is_here, job.result_bytes) == (None, False, 3_000_002)
    file = io.BytesIO()
    assert offload.download(job.id, file) == 3_000_002
    assert json.loads(file.getvalue()) == offload.result(job.id)


def test_a_result_of_null_is_a_result(offload: Client, tmp_path: Path) -> None:
    """No task here returns null, so the fields of a job are set."""
    fields = {"state": "succeeded", "result": None, "result_bytes": 4}
    (tmp_path / "gate").touch()
    job = offload.submit("hold", {"gate": str(tmp_path / "gate")}, wait_s=30)
    assert job.model_copy(update=fields).result_is_here
    assert not job.model_copy(update={**fields, "result_bytes": 20_000}).result_is_here


def test_a_failure_is_an_error_with_its_job(offload: Client) -> None:
    job = offload.submit("refuse", {"text": "it"}, wait_s=30)
    assert job.error is not None
    with pytest.raises(JobFailedError, match=f"Job {job.id} of refuse failed: ValueError: I refuse") as raised:
        offload.result(job.id)
    assert raised.value.job == offload.job(job.id)
    assert job.error.kind == "task-raised"
    assert "ValueError" in (job.error.exception or "")


def test_logs_are_what_a_job_has_printed(offload: Client) -> None:
    job = offload.submit("chatter", {"lines": 3}, wait_s=30)
    lines = offload.logs(job.id).splitlines()
    assert [line.endswith(f"line {number} of what a task has to say") for number, line in enumerate(lines)] == [
        True
    ] * 3
    assert offload.logs(job.id, attempt=1).splitlines() == lines
    assert offload.logs(job.id, attempt=2) == ""


def test_a_running_job_is_cancelled_and_deleted(offload: Client) -> None:
    job = offload.submit("spin")
    until_sync(lambda: offload.job(job.id).state == "running")
    assert offload.cancel(job.id).state == "cancelled"
    with pytest.raises(JobCancelledError):
        offload.result(job.id)
    offload.delete(job.id)
    with pytest.raises(RefusedError) as raised:
        offload.job(job.id)
    assert (raised.value.status, raised.value.kind) == (404, "job-not-found")


def test_changes_are_yielded_as_they_happen(offload: Client, gate: Path) -> None:
    job = offload.submit("count", {"gate": str(gate)})
    seen: list[Job] = []
    for now in offload.changes(job.id):
        seen.append(now)
        if now.progress and now.progress.done and now.progress.done > 20:
            gate.touch()
    states = [now.state for now in seen]
    assert states[-1] == "succeeded"
    assert set(states[1:-1]) == {"running"}
    assert len(seen) > 2


def test_waiting_too_long_is_a_timeout_and_the_job_continues(offload: Client, gate: Path) -> None:
    job = offload.submit("count", {"gate": str(gate)})  # many events, and a deadline all the same
    with pytest.raises(TimeoutError, match=f"Job {job.id} is still running"):
        offload.wait(job.id, timeout_s=0.5)
    quiet = offload.submit("hold", {"gate": str(gate)})
    with pytest.raises(TimeoutError, match="is still"):
        offload.wait(quiet.id, timeout_s=0.5)
    gate.touch()
    assert offload.wait(job.id, timeout_s=30).state == offload.wait(quiet.id, timeout_s=30).state == "succeeded"


def test_a_timeout_of_zero_looks_once(offload: Client, gate: Path) -> None:
    job = offload.submit("hold", {"gate": str(gate)})
    with pytest.raises(TimeoutError, match="is still"):
        offload.wait(job.id, timeout_s=0)
    gate.touch()
    offload.wait(job.id, timeout_s=30)
    assert offload.wait(job.id, timeout_s=0).state == "succeeded"


def test_errors_can_be_pickled(offload: Client) -> None:
    job = offload.submit("refuse", {"text": "it"}, wait_s=30)
    with pytest.raises(JobFailedError) as failed:
        offload.result(job.id)
    with pytest.raises(RefusedError) as refused:
        offload.job("nope")
    for error in (failed.value, refused.value, UnreachableError("http://x", "why")):
        again = pickle.loads(pickle.dumps(error))  # noqa: S301  # made here
        assert (type(again), str(again)) == (type(error), str(error))
    assert pickle.loads(pickle.dumps(failed.value)).job == failed.value.job  # noqa: S301
    assert pickle.loads(pickle.dumps(refused.value)).kind == "job-not-found"  # noqa: S301


def test_an_invalid_header_is_not_sent(offload: Client) -> None:
    with pytest.raises(ValueError, match="can't be sent"):
        offload.submit("fibonacci", {"n": 1}, idempotency_key="a\nb")


def test_lists_follow_their_pages(offload: Client) -> None:
    batch = offload.submit_batch(
        ({"task": "fibonacci", "params": {"n": n}, "labels": ["odd"] if n % 2 else []} for n in range(450)), ["many"]
    )
    assert offload.wait_batch(batch.id, timeout_s=60).counts.succeeded == 450
    jobs = list(offload.jobs(batch=batch.id))
    assert [job.params["n"] for job in jobs] == list(range(450))[::-1]
    assert [job.params["n"] for job in offload.jobs(label="odd", states=["succeeded"], limit=201)] == list(
        range(449, 47, -2)
    )
    assert not list(offload.jobs(label="odd", task="greet"))
    assert not list(offload.jobs(label="odd", created_after=datetime.now(UTC) + timedelta(minutes=1)))
    assert len(list(offload.jobs(label="odd", created_before=datetime.now(UTC) + timedelta(minutes=1), limit=3))) == 3
    assert next(offload.batches()).id == batch.id
    assert len(list(offload.batches(limit=1))) == 1
    assert not list(offload.jobs(limit=0))


def test_the_results_of_a_batch_are_in_order(offload: Client) -> None:
    members = [{"task": "blob", "params": {"size": size, "seed": 1}} for size in (5, 100_000, 7)]
    batch = offload.submit_batch([*members, {"task": "refuse", "params": {"text": "x"}}])
    done = offload.wait_batch(batch.id, timeout_s=30)
    assert (done.done, done.counts.succeeded, done.counts.failed) == (True, 3, 1)
    results = list(offload.batch_results(batch.id))
    assert [member.index for member in results] == [0, 1, 2, 3]
    assert [len(member.result or "") for member in results] == [5, 100_000, 7, 0]
    assert results[3].error is not None
    assert results[3].error.kind == "task-raised"
    offload.delete_batch(batch.id)
    with pytest.raises(RefusedError, match="no batch"):
        offload.batch(batch.id)


def test_a_batch_is_cancelled(offload: Client) -> None:
    batch = offload.submit_batch([{"task": "spin", "params": {}}] * 5)
    assert offload.cancel_batch(batch.id).counts.cancelled == 5
    assert [now.done for now in offload.batch_changes(batch.id)] == [True]


def test_a_file_is_uploaded_from_a_path_an_open_file_and_a_pipe(offload: Client, tmp_path: Path) -> None:
    path = tmp_path / "été /?.bin"
    path.parent.mkdir()
    path.write_bytes(os.urandom(700_000))
    progress: list[tuple[int, int | None]] = []
    upload = offload.upload(path, on_progress=lambda sent, total: progress.append((sent, total)))
    assert (upload.name, upload.size) == (path.name, 700_000)
    assert progress[-1] == (700_000, 700_000)
    assert [sent for sent, _ in progress] == sorted(sent for sent, _ in progress)
    with path.open("rb") as file:
        file.seek(600_000)
        assert offload.upload(file).size == 100_000
    out, into = os.pipe()
    os.write(into, b"abc")
    os.close(into)
    with os.fdopen(out, "rb") as pipe:
        piped = offload.upload(pipe, "piped")
    assert (piped.name, piped.size) == ("piped", 3)
    job = offload.submit("file-digest", {"upload": piped.id, "algorithms": ["crc32"]}, wait_s=30)
    assert job.result["digests"] == {"crc32": "352441c2"}
    offload.delete_upload(upload.id)
    path.write_bytes(b"")
    assert offload.upload(path).size == 0
    with pytest.raises(FileNotFoundError):
        offload.upload(tmp_path / "nothing")


def test_files_of_the_service_are_digested_and_verified(server: Server, offload: Client) -> None:
    (server.files_dir / "one").write_bytes(b"one")
    (server.files_dir / os.fsdecode(b"tw\xff")).write_bytes(b"two")
    batch = offload.wait_batch(offload.submit_files("*", ["sha256", "md5"]).id, timeout_s=30)
    manifest = offload.manifest(batch.id)
    assert os.fsencode(manifest).splitlines()[1].endswith(b"  tw\xff")
    assert offload.manifest(batch.id, "md5", bsd=True).startswith("MD5 (one) = ")
    (server.files_dir / "one").write_bytes(b"eno")
    verified = offload.wait_batch(offload.verify(manifest).id, timeout_s=30)
    assert os.fsencode(offload.report(verified.id)).startswith(b"one: FAILED\ntw\xff: OK\n")


def test_tasks_and_statistics(offload: Client) -> None:
    assert [task.name for task in offload.tasks()][:2] == ["fibonacci", "file-digest"]
    assert offload.task("fibonacci").params["required"] == ["n"]
    stats = offload.stats()
    assert len(stats.lanes) == 2
    assert stats.queue.limit == 100_000


def test_all_changes_start_with_the_moment_to_load(offload: Client) -> None:
    changes = offload.changes_of_all()
    assert next(changes) == LoadAgain()
    job = offload.submit("greet", {"name": "Ada"})
    changed = next(change for change in changes if isinstance(change, JobChanged) and change.job.ended)
    assert changed.job.id == job.id
    offload.delete(job.id)
    assert next(changes) == JobDeleted(job.id)
    changes.close()


@pytest.mark.parametrize(
    ("task", "params", "kind", "said"),
    [
        ("fibonaci", {"n": 1}, "task-not-found", "Did you mean 'fibonacci'?"),
        ("fibonacci", {"n": -1}, "invalid-parameters", "n: Input should be greater than or equal to 0"),
        ("fibonacci", {"n": 41, "algorithm": "recursive"}, "too-expensive", "n is at most 40"),
        ("file-digest", {"path": "../x"}, "path-refused", ".."),
    ],
)
def test_a_refusal_says_why(offload: Client, task: str, params: dict[str, object], kind: str, said: str) -> None:
    with pytest.raises(RefusedError) as raised:
        offload.submit(task, params)
    error = raised.value
    assert (error.type, error.kind) == (f"/problems/{kind}", kind)
    assert said in str(error)
    assert str(error).count(error.detail) == 1
    assert error.title
    assert isinstance(error, OffloadError)


def test_what_is_not_json_is_not_sent(offload: Client) -> None:
    with pytest.raises(ValueError, match="Out of range float"):
        offload.submit("fibonacci", {"n": float("nan")})


def test_the_same_key_is_the_same_job(offload: Client) -> None:
    first = offload.submit("fibonacci", {"n": 5}, idempotency_key="five")
    assert offload.submit("fibonacci", {"n": 5}, idempotency_key="five").id == first.id
    with pytest.raises(RefusedError) as raised:
        offload.submit("fibonacci", {"n": 6}, idempotency_key="five")
    assert raised.value.kind == "idempotency-key-reused"


def test_many_threads_may_use_one_client(offload: Client) -> None:
    results: list[int] = []

    def work(n: int) -> None:
        results.extend(offload.submit("fibonacci", {"n": n}, wait_s=30).result["n"] for _ in range(5))

    threads = [threading.Thread(target=work, args=(n,)) for n in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == sorted([*range(12)] * 5)
