"""Which requests are sent again after which responses, and after none. Each test runs over both clients."""

import io
import json

import pytest

from offload.client import (
    AsyncClient,
    Client,
    NotOffloadError,
    OffloadError,
    RefusedError,
    UnreachableError,
    api,
    retries,
)
from tests.support.both_clients import Connect
from tests.support.scripted_service import CUT, ScriptedService, page, problem, response

UPLOAD = response(b'{"id": "1", "name": "file", "size": 3}', status="201 Created")
DELETED = b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"
STATS = response(json.dumps({"lanes": [], "queue": {"size": 0, "limit": 1, "waiting": []}, "tasks": {}}).encode())
NOT_FOUND = problem("404 Not Found", "job-not-found")


@pytest.fixture(autouse=True)
def no_delays(monkeypatch: pytest.MonkeyPatch) -> None:
    """The delays are tested in `test_retries.py`."""
    monkeypatch.setattr(retries, "backoff_s", lambda *_: 0.0)


@pytest.mark.parametrize(
    "failure",
    [
        CUT,
        STATS[:-10],
        b"HTTP/1.1 20",
        problem("503 Service Unavailable", "stopping"),
        problem("429 Too Many Requests", "quota-exceeded"),
        problem("409 Conflict", "idempotency-in-flight"),
        page("502 Bad Gateway"),
        page("503 Service Unavailable"),
        page("504 Gateway Timeout"),
    ],
)
def test_a_request_is_sent_again_after_a_temporary_failure(connect: Connect, failure: bytes) -> None:
    with ScriptedService(failure, failure, STATS) as service, connect(service.url) as client:
        assert client.stats().queue.limit == 1
        assert len(service.requests) == 3


@pytest.mark.parametrize(
    ("failure", "error"),
    [
        (problem("409 Conflict", "job-finished"), RefusedError),
        (problem("422 Unprocessable Entity", "invalid-parameters"), RefusedError),
        (problem("500 Internal Server Error", "internal-error"), RefusedError),
        (NOT_FOUND, RefusedError),
        (page("500 Internal Server Error"), NotOffloadError),
        (page("404 Not Found"), NotOffloadError),
    ],
)
def test_a_permanent_failure_is_raised_at_the_first_try(
    connect: Connect, failure: bytes, error: type[OffloadError]
) -> None:
    with ScriptedService(failure, STATS) as service, connect(service.url) as client:
        with pytest.raises(error):
            client.stats()
        assert len(service.requests) == 1


@pytest.mark.parametrize("failure", [CUT, problem("503 Service Unavailable", "queue-full"), page("502 Bad Gateway")])
@pytest.mark.parametrize("key", [None, "my-key"])
def test_every_try_of_a_submission_has_the_same_key_and_body(connect: Connect, failure: bytes, key: str | None) -> None:
    with ScriptedService(failure, failure, NOT_FOUND) as service, connect(service.url) as client:
        with pytest.raises(RefusedError):
            client.submit("fibonacci", {"n": 1}, idempotency_key=key, labels=["a"])
        (line,) = {request.line for request in service.requests}
        assert line == "POST /jobs/fibonacci?label=a HTTP/1.1"
        assert {request.body for request in service.requests} == {b'{"n": 1}'}
        (sent,) = {request.headers["idempotency-key"] for request in service.requests}
        assert sent == key or (key is None and len(sent) == 36)


def test_two_submissions_have_different_keys(connect: Connect) -> None:
    with ScriptedService(NOT_FOUND, NOT_FOUND) as service, connect(service.url) as client:
        for _ in range(2):
            with pytest.raises(RefusedError):
                client.submit("fibonacci", {"n": 1})
        assert len({request.headers["idempotency-key"] for request in service.requests}) == 2


@pytest.mark.parametrize("failure", [CUT, page("502 Bad Gateway")])
def test_not_found_after_a_deletion_that_may_have_been_done_is_success(connect: Connect, failure: bytes) -> None:
    with ScriptedService(failure, NOT_FOUND) as service, connect(service.url) as client:
        client.delete("1")
        assert [request.line for request in service.requests] == ["DELETE /jobs/1 HTTP/1.1"] * 2


@pytest.mark.parametrize("script", [(NOT_FOUND,), (problem("503 Service Unavailable", "stopping"), NOT_FOUND)])
def test_not_found_after_a_deletion_that_was_never_accepted_is_an_error(
    connect: Connect, script: tuple[bytes, ...]
) -> None:
    with (
        ScriptedService(*script) as service,
        connect(service.url) as client,
        pytest.raises(RefusedError, match="A detail"),
    ):
        client.delete("1")


def test_not_found_is_an_error_for_other_requests(connect: Connect) -> None:
    with ScriptedService(CUT, NOT_FOUND) as service, connect(service.url) as client, pytest.raises(RefusedError):
        client.cancel("1")


def test_a_deletion_is_done_once(connect: Connect) -> None:
    with ScriptedService(DELETED) as service, connect(service.url) as client:
        client.delete("1")
        assert len(service.requests) == 1


@pytest.mark.parametrize(
    ("failure", "error"),
    [
        (CUT, UnreachableError),
        (page("502 Bad Gateway"), NotOffloadError),
        (problem("503 Service Unavailable", "stopping"), RefusedError),
    ],
)
def test_an_open_file_is_not_sent_twice(connect: Connect, failure: bytes, error: type[OffloadError]) -> None:
    with ScriptedService(failure, UPLOAD) as service, connect(service.url) as client:
        with pytest.raises(error):
            client.upload(io.BytesIO(b"abc"))
        assert [request.body for request in service.requests] == [b"abc"]


def test_an_open_file_is_sent_again_where_no_connection_was_made(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ScriptedService(UPLOAD, listening=False) as service, connect(service.url) as client:

        def start_service(*_: object) -> float:
            service.listen()
            return 0.0

        monkeypatch.setattr(retries, "backoff_s", start_service)
        assert client.upload(io.BytesIO(b"abc"), "file").size == 3
        assert [request.body for request in service.requests] == [b"abc"]


@pytest.mark.parametrize("kind", [Client, AsyncClient])
def test_a_response_may_take_the_timeout_and_the_time_the_service_is_asked_to_wait(
    kind: type[Client | AsyncClient],
) -> None:
    request = kind(timeout_s=30)._transport._build(api.job("1", wait_s=60), None)
    assert request.extensions["timeout"] == {"connect": 30, "read": 90, "write": 30, "pool": 30}
