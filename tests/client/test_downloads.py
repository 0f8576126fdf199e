"""Downloads that are cut are resumed, whatever is between client and service. Each test runs over both clients."""

import io
import json

import pytest

from offload.client import NotOffloadError, RefusedError, retries
from tests.support.both_clients import Connect
from tests.support.scripted_service import ScriptedService, chunked, page, problem, response

RESULT = b"[1,2,3]"


@pytest.fixture(autouse=True)
def no_delays(monkeypatch: pytest.MonkeyPatch) -> None:
    """The delays are tested in `test_retries.py`."""
    monkeypatch.setattr(retries, "backoff_s", lambda *_: 0.0)


@pytest.mark.parametrize(
    "rest",
    [response(RESULT), response(RESULT[2:], status="206 Partial Content")],
    ids=["a proxy that ignores ranges", "a range"],
)
def test_a_result_is_whole_after_a_cut(connect: Connect, rest: bytes) -> None:
    file = io.BytesIO()
    with ScriptedService(response(b"[1,", missing=4), rest) as service, connect(service.url) as client:
        assert client.download("1", file) == len(RESULT)
        assert [request.headers.get("range") for request in service.requests] == [None, "bytes=2-"]
    assert file.getvalue() == RESULT


def test_a_cut_after_the_last_byte_is_no_error(connect: Connect) -> None:
    """Without a length, the client can't know that it has everything. A range after the last byte would be refused."""
    file = io.BytesIO()
    rest = response(RESULT[-1:], status="206 Partial Content")
    with ScriptedService(chunked(RESULT, end=False), rest) as service, connect(service.url) as client:
        assert client.download("1", file) == len(RESULT)
        assert [request.headers.get("range") for request in service.requests] == [None, "bytes=6-"]
    assert file.getvalue() == RESULT


def test_a_result_is_resumed_after_temporary_failures(connect: Connect) -> None:
    script = (
        response(b"[1,", missing=4),
        problem("503 Service Unavailable", "stopping"),
        page("502 Bad Gateway"),
        response(RESULT[2:5], status="206 Partial Content", missing=2),
        response(RESULT[4:], status="206 Partial Content"),
    )
    with ScriptedService(*script) as service, connect(service.url) as client:
        assert client.result("1") == [1, 2, 3]
        ranges = [request.headers.get("range") for request in service.requests]
        assert ranges == [None, "bytes=2-", "bytes=2-", "bytes=2-", "bytes=4-"]


def test_a_permanent_failure_ends_a_download(connect: Connect) -> None:
    script = (response(b"[1,", missing=4), problem("404 Not Found", "job-not-found"))
    with ScriptedService(*script) as service, connect(service.url) as client, pytest.raises(RefusedError):
        client.result("1")


def test_a_result_that_is_not_json_is_an_error(connect: Connect) -> None:
    with (
        ScriptedService(response(b"[1,")) as service,
        connect(service.url) as client,
        pytest.raises(NotOffloadError, match="not JSON"),
    ):
        client.result("1")


FIELDS = {"task": "t", "state": "succeeded", "result": 1, "result_bytes": 1, "error": None}
LINES = [json.dumps({"index": n, "id": str(n), **FIELDS}).encode() + b"\n" for n in range(3)]


def test_each_result_of_a_batch_is_yielded_once(connect: Connect) -> None:
    jsonl = "application/jsonl"
    cut = chunked(LINES[0], LINES[1] + LINES[2][:9], content_type=jsonl, end=False)
    whole = chunked(b"".join(LINES), content_type=jsonl)
    with ScriptedService(cut, whole) as service, connect(service.url) as client:
        assert [member.index for member in client.batch_results("1")] == [0, 1, 2]
        assert len(service.requests) == 2


@pytest.mark.parametrize("line", [b"{}\n", b"{\n"])
def test_a_line_that_is_no_result_is_an_error(connect: Connect, line: bytes) -> None:
    with (
        ScriptedService(response(LINES[0] + line, content_type="application/jsonl")) as service,
        connect(service.url) as client,
    ):
        results = client.batch_results("1")
        assert next(results).index == 0
        with pytest.raises(NotOffloadError):
            next(results)
