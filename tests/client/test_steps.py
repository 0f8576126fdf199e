"""What the client does after a cut, step by step: the steps are values, so no connection is needed."""

import io
import json
from pathlib import Path
from typing import Any

import pytest

from offload.client import RefusedError, calls, results
from offload.client.asking import may_pass
from offload.client.patience import Service
from offload.client.sending import timeout
from offload.client.steps import Head, LostError, Open, Pause, Steps, Tell
from offload.client.uploads import PathSource

JSON = {"content-type": "application/json"}
CUT = LostError("cut", sent=True)


def service() -> Service:
    return Service(url="", timeout_s=30, patience_s=60, room_s=60, met=True)


def performed(steps: Steps[Any], *came: object) -> tuple[list[Any], Any]:
    """The steps that ask for these one after the other, pauses and values told aside, and what they come to."""
    left, seen = list(came), []
    step: Any = next(steps)
    while True:
        seen.append(step)
        try:
            if isinstance(step, Pause | Tell):
                step = steps.send(None)
            elif isinstance(now := left.pop(0), LostError):
                step = steps.throw(now)
            else:
                step = steps.send(now)
        except StopIteration as end:
            assert not left
            return seen, end.value


@pytest.mark.parametrize("status", [200, 206])
def test_a_result_is_whole_whether_or_not_what_is_between_knows_ranges(status: int) -> None:
    file = io.BytesIO()
    rest = [b"[1,2", b",3]"] if status == 200 else [b",2", b",3]"]
    came = (Head(200, JSON), b"[1", b",", CUT, Head(status, JSON), *rest, b"")
    seen, size = performed(results.download(service(), "id", file), *came)
    assert (file.getvalue(), size) == (b"[1,2,3]", 7)
    first, second = (step.call.headers for step in seen if isinstance(step, Open))
    assert (first, second) == ((), (("Range", "bytes=2-"),))


def test_a_cut_behind_the_last_byte_costs_nothing() -> None:
    """Where no length was told: there is nothing after that byte, and asking for it would be refused."""
    file = io.BytesIO()
    came = (Head(200, JSON), b"[1,2,3]", CUT, Head(206, JSON), b"]", b"")
    seen, size = performed(results.download(service(), "id", file), *came)
    assert (file.getvalue(), size) == (b"[1,2,3]", 7)
    assert [step.call.headers for step in seen if isinstance(step, Open)] == [(), (("Range", "bytes=6-"),)]


def test_each_result_of_a_batch_is_told_once() -> None:
    fields = {"task": "t", "state": "succeeded", "result": 1, "result_bytes": 1, "error": None}
    lines = [json.dumps({"index": n, "id": str(n), **fields}).encode() + b"\n" for n in range(3)]
    came = (Head(200, {}), lines[0], lines[1] + lines[2][:9], CUT, Head(200, {}), b"".join(lines), b"")
    seen, _ = performed(results.batch_results(service(), "id"), *came)
    assert [step.value.index for step in seen if isinstance(step, Tell)] == [0, 1, 2]


def test_a_file_that_has_become_shorter_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"12345")
    assert b"".join(PathSource(path=str(tmp_path / "file"), size=4).chunks()) == b"1234"
    with pytest.raises(OSError, match="shorter"):
        list(PathSource(path=str(tmp_path / "file"), size=6).chunks())


def test_an_answer_may_take_as_long_as_the_service_was_asked_to_wait() -> None:
    waits = timeout(calls.job("id", wait_s=60), 30)
    assert (waits.connect, waits.read) == (30, 90)


@pytest.mark.parametrize(
    ("kind", "status", "passes"),
    [("idempotency-in-flight", 409, True), ("job-finished", 409, False), ("queue-full", 503, True), ("x", 500, False)],
)
def test_what_passes_by_itself(kind: str, status: int, passes: bool) -> None:
    assert may_pass(RefusedError({"type": f"/problems/{kind}"}, status=status)) is passes
