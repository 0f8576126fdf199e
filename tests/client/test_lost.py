"""What the client does when connections, proxies and the service go away: no work is done twice, none is lost."""

import io
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from typing_extensions import Buffer

from offload.client import Client, Job, LoadAgain, NotOffloadError, RefusedError, UnreachableError
from tests.support.proxy import Proxy
from tests.support.server import Server
from tests.support.waiting import until_sync

HTML = b"<!doctype html><title>Bad gateway</title>"


def page(status: str) -> bytes:
    """An answer as proxies and other services give it."""
    head = f"HTTP/1.1 {status}\r\nContent-Type: text/html\r\nContent-Length: {len(HTML)}\r\nConnection: close\r\n\r\n"
    return head.encode() + HTML


@pytest.fixture
def behind(proxy: Proxy) -> Iterator[Client]:
    """A client behind the proxy."""
    with Client(proxy.url) as behind:
        yield behind


def test_a_lost_answer_runs_no_work_twice(behind: Client, proxy: Proxy, offload: Client) -> None:
    """The service has accepted the job, and the client is not told, twice over."""
    proxy.swallow["POST /jobs/greet"] = 2
    job = behind.submit("greet", {"name": "Ada"}, labels=["lost"])
    assert [line for line in proxy.requests if line.startswith("POST")] == ["POST /jobs/greet?label=lost HTTP/1.1"] * 3
    assert [found.id for found in offload.jobs(label="lost")] == [job.id]


def test_so_it_is_with_a_batch_and_its_cancellation(behind: Client, proxy: Proxy, offload: Client) -> None:
    proxy.swallow["POST /batches HTTP"] = 1
    batch = behind.submit_batch([{"task": "spin", "params": {}}] * 3, ["lost-batch"])
    assert len(list(offload.jobs(label="lost-batch"))) == 3
    proxy.swallow["/cancel"] = 1
    assert behind.cancel_batch(batch.id).counts.cancelled == 3
    proxy.swallow["DELETE"] = 1
    behind.delete_batch(batch.id)  # the second time there is none any more, which is what was wanted
    assert proxy.swallow == {"POST /batches HTTP": 0, "/cancel": 0, "DELETE": 0}


def test_a_deletion_of_nothing_is_told(offload: Client) -> None:
    with pytest.raises(RefusedError, match="no job"):
        offload.delete("nothing")


def test_an_upload_is_sent_again_from_its_path_only(behind: Client, proxy: Proxy, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"abc")
    proxy.swallow["POST /uploads"] = 1
    assert behind.upload(path).size == 3
    proxy.swallow["POST /uploads"] = 1
    with path.open("rb") as file, pytest.raises(UnreachableError):
        behind.upload(file)


def test_a_result_is_fetched_on_where_it_was_cut(behind: Client, proxy: Proxy, offload: Client) -> None:
    job = behind.submit("blob", {"size": 20_000_000, "seed": 3}, wait_s=30)

    class File(io.BytesIO):
        """Cuts the connection at its first byte."""

        def write(self, portion: Buffer) -> int:
            if self.tell() == 0:
                proxy.cut()
            return super().write(portion)

    file = File()
    assert behind.download(job.id, file) == 20_000_002
    assert json.loads(file.getvalue()) == offload.result(job.id)
    assert sum("/result" in line for line in proxy.requests) == 2


def test_who_waits_is_not_stopped_by_cut_connections(behind: Client, proxy: Proxy, gate: Path) -> None:
    job = behind.submit("count", {"gate": str(gate)})
    seen: list[Job] = []

    def notice(now: Job) -> None:
        seen.append(now)
        if len(seen) in (3, 6):
            proxy.cut()
        if len(seen) == 9:
            gate.touch()

    assert behind.wait(job.id, timeout_s=60, on_change=notice).state == "succeeded"
    assert sum("/events" in line for line in proxy.requests) >= 3


@pytest.mark.parametrize("answer", [None, b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 0\r\n\r\n"])
def test_where_no_stream_gets_through_it_is_asked_for(
    behind: Client, proxy: Proxy, gate: Path, answer: bytes | None
) -> None:
    """A proxy that holds events back, or has something else to say in their place."""
    if answer is None:
        proxy.hold.add("/events")
    else:
        proxy.instead["/events"] = answer
    job = behind.submit("hold", {"gate": str(gate)})
    seen: list[str] = []

    def notice(now: Job) -> None:
        seen.append(now.state)
        if now.state == "running":
            gate.touch()

    assert behind.wait(job.id, timeout_s=60, on_change=notice).state == "succeeded"
    assert seen[-2:] == ["running", "succeeded"]
    assert sum("/events" in line for line in proxy.requests) == 1
    with pytest.raises(TimeoutError):
        behind.wait(behind.submit("hold", {"gate": str(gate.with_name("never"))}).id, timeout_s=0.3)
    gate.with_name("never").touch()


def test_all_changes_without_a_stream_are_moments_to_load(behind: Client, proxy: Proxy) -> None:
    proxy.hold.add("/events")
    changes = behind.changes_of_all()
    assert [next(changes), next(changes)] == [LoadAgain(), LoadAgain()]
    changes.close()


@pytest.mark.parametrize("status", ["502 Bad Gateway", "503 Service Unavailable", "504 Gateway Timeout"])
def test_what_a_proxy_says_of_a_service_that_is_down_passes(behind: Client, proxy: Proxy, status: str) -> None:
    behind.stats()
    proxy.instead["GET /stats"] = page(status)
    threading.Timer(0.5, proxy.instead.clear).start()
    assert behind.stats().lanes


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (page("200 OK"), "text/html instead of JSON"),
        (page("404 Not Found"), "answered 404 with text/html"),
        (b"HTTP/1.1 302 Found\r\nLocation: https://login\r\nContent-Length: 0\r\n\r\n", "leads to 'https://login'"),
        (b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}", "its JSON is no Stats"),
        (b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1\r\n\r\n{", "is not JSON"),
        (b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: 0\r\n\r\n", "text/event-stream"),
    ],
)
def test_what_is_no_offload_is_told(behind: Client, proxy: Proxy, answer: bytes, why: str) -> None:
    proxy.instead["GET /stats"] = answer
    with pytest.raises(NotOffloadError, match="is not an Offload") as raised:
        behind.stats()
    assert why in str(raised.value)
    assert proxy.url in str(raised.value)
    assert len(proxy.requests) == 1


@pytest.mark.parametrize("status", ["200 OK", "500 Internal Server Error"])
@pytest.mark.parametrize("steps", ["exchanged", "opened"])
def test_what_can_t_be_meant_is_not_read(status: str, steps: str) -> None:
    """A radio station, for instance: it has no end."""
    sent = 0
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def play() -> None:
            nonlocal sent
            caller, _ = listener.accept()
            with caller, suppress(OSError):
                caller.recv(65536)
                caller.sendall(f"HTTP/1.1 {status}\r\nContent-Type: audio/mpeg\r\n\r\n".encode())
                while sent < 100 << 20:
                    caller.sendall(bytes(1 << 20))
                    sent += 1 << 20

        thread = threading.Thread(target=play)
        thread.start()
        with (
            Client(f"http://127.0.0.1:{listener.getsockname()[1]}", patience_s=0) as client,
            pytest.raises(NotOffloadError, match="audio/mpeg"),
        ):
            client.stats() if steps == "exchanged" else client.result("some-job")
        thread.join(10)
    assert sent < 50 << 20


def test_what_speaks_no_http_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while True:
                try:
                    client, _ = listener.accept()
                except OSError:
                    return
                client.sendall(b"220 mail.example.org ESMTP\r\n")
                client.close()

        thread = threading.Thread(target=serve)
        thread.start()
        with (
            Client(f"http://127.0.0.1:{listener.getsockname()[1]}", patience_s=0.2) as client,
            pytest.raises(UnreachableError),
        ):
            client.stats()
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(10)


def test_where_nobody_listens_it_says_what_to_do() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with Client(f"http://127.0.0.1:{port}") as client, pytest.raises(UnreachableError) as raised:
        client.submit("fibonacci", {"n": 1})
    assert f"http://127.0.0.1:{port}" in str(raised.value)
    assert "offload serve" in str(raised.value)
    assert "OFFLOAD_URL" in str(raised.value)


def test_a_name_that_nobody_has_is_told() -> None:
    with Client("http://offload.invalid", patience_s=0) as client, pytest.raises(UnreachableError):
        client.stats()


@pytest.mark.parametrize(
    "url",
    [
        *("localhost:8000", "ftp://x", "http://", "", " ", "http://x:port", "http://x:65536"),
        *("http://a..b", f"http://{'a' * 64}.org", "http://x/?y=1", "http://x/#y"),
    ],
)
def test_what_is_no_address_is_told_at_once(url: str) -> None:
    with pytest.raises(ValueError, match="is no address of a service"):
        Client(url)


def test_a_proxy_s_password_does_not_displace_the_key(tmp_path: Path) -> None:
    key = "alice-0123456789abcdefgh"
    with Server(tmp_path, api_keys=f"alice:{key}") as server:
        url = server.url.replace("http://", "http://user:password@")
        with Client(url, key) as alice:
            assert alice.submit("fibonacci", {"n": 1}).owner == "alice"


def test_the_environment_says_where_and_with_which_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key = "alice-0123456789abcdefgh"
    with Server(tmp_path, api_keys=f"alice:{key}") as server:
        monkeypatch.setenv("OFFLOAD_URL", f"{server.url}/")
        monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
        with Client() as nobody, pytest.raises(RefusedError, match="Send a key") as raised:
            nobody.stats()
        assert raised.value.status == 401
        monkeypatch.setenv("OFFLOAD_API_KEY", key)
        with Client() as alice:
            assert alice.submit("fibonacci", {"n": 1}).owner == "alice"
        with pytest.raises(ValueError, match="key"):
            Client(api_key="a\nb")


def test_a_full_queue_is_waited_for_and_then_told(tmp_path: Path, gate: Path) -> None:
    with Server(tmp_path, lanes=1, queue_limit=1) as server, Client(server.url, room_s=0.3) as offload:
        running = offload.submit("hold", {"gate": str(gate)})
        until_sync(lambda: offload.job(running.id).state == "running")
        queued = offload.submit("hold", {"gate": str(gate)})
        with pytest.raises(RefusedError) as raised:
            offload.submit("greet", {"name": "Ada"})
        assert (raised.value.kind, raised.value.status) == ("queue-full", 503)
        assert raised.value.retry_after is not None
        with Client(server.url) as patient:
            patient.stats()
            threading.Timer(0.5, gate.touch).start()
            assert patient.submit("greet", {"name": "Ada"}, wait_s=30).state == "succeeded"
        assert offload.wait(queued.id).state == "succeeded"


def test_who_waits_outlives_the_service(tmp_path: Path, gate: Path) -> None:
    """It is killed while a job runs, and started again at the same address half a second later."""
    with Server(tmp_path) as server:
        port = server.url.rpartition(":")[2]
        seen: list[Job] = []
        with Client(server.url) as offload:
            job = offload.submit("hold", {"gate": str(gate)})
            ended: list[Job] = []
            waiting = threading.Thread(
                target=lambda: ended.append(offload.wait(job.id, timeout_s=60, on_change=seen.append))
            )
            waiting.start()
            until_sync(lambda: seen and seen[-1].state == "running")
            server.kill()
            server.start(port=port)
            until_sync(lambda: server.api.job(job.id)["state"] == "running", what="the job to run again")
            gate.touch()
            waiting.join(60)
        assert [job.state for job in ended] == ["succeeded"]


def test_a_submission_outlives_the_service(tmp_path: Path) -> None:
    with Server(tmp_path) as server, Client(server.url) as offload:
        port = server.url.rpartition(":")[2]
        offload.stats()
        server.kill()
        jobs: list[Job] = []
        submitting = threading.Thread(target=lambda: jobs.append(offload.submit("greet", {"name": "Ada"})))
        submitting.start()
        server.start(port=port)
        submitting.join(30)
        assert [job.id for job in offload.jobs()] == [job.id for job in jobs]


def test_patience_has_an_end(server: Server, proxy: Proxy) -> None:
    job = server.api.submit("spin", {})
    with Client(proxy.url, patience_s=0.5) as offload, Client(proxy.url) as patient:
        assert offload.job(job["id"]).id == patient.job(job["id"]).id
        proxy.instead[" /"] = b""
        proxy.cut()
        with pytest.raises(UnreachableError):
            offload.job(job["id"])
        with pytest.raises(UnreachableError):
            offload.wait(job["id"])
        with pytest.raises(TimeoutError, match="Nobody answers"):
            patient.wait(job["id"], timeout_s=0.3)
    server.api.cancel(job["id"])
