"""What responds is not an Offload service, or wants to harm the client. Each test runs over both clients."""

import json
import socket
import threading
from contextlib import suppress

import pytest

from offload.client import NotOffloadError, OffloadError, UnreachableError
from offload.client.sse import MOST_BYTES
from tests.support.both_clients import Connect
from tests.support.scripted_service import ScriptedService, chunked, page, response


@pytest.mark.parametrize(
    ("sent", "why"),
    [
        (page("200 OK"), "text/html instead of JSON"),
        (page("404 Not Found"), "responded 404 with text/html"),
        (b"HTTP/1.1 302 Found\r\nLocation: https://login\r\n\r\n", "a redirect to 'https://login'"),
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "responded 404 with no content type"),
        (response(b"{}"), "its JSON is not a valid Stats"),
        (response(b"{"), "is not JSON"),
        (response(b"[" * 100_000), "nested too deeply"),
        (response(b"", content_type="text/event-stream"), "text/event-stream"),
        (response(b"[]", status="500 X", content_type="application/problem+json"), "without a problem object"),
        (response(b"{", status="500 X", content_type="application/problem+json"), "is not JSON"),
    ],
)
def test_the_error_says_what_responded(connect: Connect, sent: bytes, why: str) -> None:
    with ScriptedService(sent) as service, connect(service.url) as client:
        with pytest.raises(NotOffloadError, match="is not an Offload service") as raised:
            client.stats()
        assert why in str(raised.value)
        assert service.url in str(raised.value)
        assert len(service.requests) == 1


@pytest.mark.parametrize("sent", [page("200 OK"), response(b"{}")])
def test_text_has_to_be_plain_text(connect: Connect, sent: bytes) -> None:
    with (
        ScriptedService(sent) as service,
        connect(service.url) as client,
        pytest.raises(NotOffloadError, match="instead of plain text"),
    ):
        client.logs("1")


@pytest.mark.parametrize(
    "events",
    [
        (b"event: job\nid: 1\ndata: {}\n\n",),
        (b"event: job\nid: 1\ndata: {\n\n",),
        (b"x" * MOST_BYTES, b"x"),
    ],
    ids=["no job", "no JSON", "no end"],
)
@pytest.mark.parametrize("method", ["wait", "changes_of_all"])
def test_events_that_no_service_sends_are_an_error(connect: Connect, events: tuple[bytes, ...], method: str) -> None:
    stream = chunked(*events, content_type="text/event-stream")
    with ScriptedService(stream) as service, connect(service.url) as client, pytest.raises(NotOffloadError):
        client.wait("1") if method == "wait" else list(client.changes_of_all())


@pytest.mark.parametrize("status", ["200 OK", "500 Internal Server Error"])
@pytest.mark.parametrize("method", ["stats", "result", "wait"])
def test_a_body_without_end_is_not_read(connect: Connect, status: str, method: str) -> None:
    """An internet radio station sends one, for instance."""
    sent = 0
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def play() -> None:
            nonlocal sent
            while sent < 100 << 20:
                caller, _ = listener.accept()
                with caller, suppress(ConnectionError):
                    caller.recv(65536)
                    caller.sendall(f"HTTP/1.1 {status}\r\nContent-Type: audio/mpeg\r\n\r\n".encode())
                    while sent < 100 << 20:
                        caller.sendall(bytes(1 << 20))
                        sent += 1 << 20

        def serve() -> None:
            with suppress(OSError):  # the listener is closed
                play()

        thread = threading.Thread(target=serve)
        thread.start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with connect(url, patience_s=0) as client, pytest.raises(NotOffloadError, match="audio/mpeg"):
            client.stats() if method == "stats" else client.result("1") if method == "result" else client.wait("1")
        listener.shutdown(socket.SHUT_RDWR)
    thread.join(10)
    assert sent < 50 << 20


@pytest.mark.parametrize("greeting", [b"220 mail.example.org ESMTP\r\n", b"\x15\x03\x01\x00\x02\x02\x46"])
def test_a_server_without_http_is_unreachable(connect: Connect, greeting: bytes) -> None:
    script = [greeting] * 20
    with (
        ScriptedService(*script) as service,
        connect(service.url, patience_s=0.2) as client,
        pytest.raises(UnreachableError),
    ):
        client.stats()


def test_a_body_that_does_not_decompress_is_unreachable(connect: Connect) -> None:
    with (
        ScriptedService(response(b"{}", head="Content-Encoding: gzip")) as service,
        connect(service.url, patience_s=0) as client,
        pytest.raises(OffloadError),
    ):
        client.stats()


def test_without_a_server_the_error_says_what_to_do(connect: Connect) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    with connect(url) as client, pytest.raises(UnreachableError) as raised:
        client.submit("fibonacci", {"n": 1})
    for text in (url, "offload serve", "OFFLOAD_URL"):
        assert text in str(raised.value)
    assert not raised.value.maybe_received


def test_a_name_without_an_address_is_unreachable(connect: Connect) -> None:
    with connect("http://offload.invalid", patience_s=0) as client, pytest.raises(UnreachableError):
        client.stats()


def test_a_problem_with_fields_of_wrong_types_is_still_an_error(connect: Connect) -> None:
    document = {"type": 5, "detail": ["x"], "errors": ["x", {"msg": 3}, {"msg": "wrong", "loc": ["body", "n"]}]}
    sent = response(json.dumps(document).encode(), status="422 X", content_type="application/problem+json")
    with (
        ScriptedService(sent) as service,
        connect(service.url) as client,
        pytest.raises(OffloadError, match="n: wrong"),
    ):
        client.stats()
