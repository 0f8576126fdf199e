"""Connections, proxies and the service fail: no work is done twice, none is lost. Each test runs over both clients."""

import io
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from typing_extensions import Buffer

from offload.client import Client, Job, JobChanged, LoadAgain, RefusedError, UnreachableError
from tests.support.both_clients import Connect
from tests.support.proxy import Proxy
from tests.support.scripted_service import page
from tests.support.server import Server
from tests.support.waiting import until_sync


@pytest.fixture
def behind(proxy: Proxy, connect: Connect) -> Iterator[Client]:
    """A client whose requests go through the proxy."""
    with connect(proxy.url) as behind:
        yield behind


def test_a_lost_response_runs_no_work_twice(behind: Client, proxy: Proxy, offload: Client) -> None:
    """Twice, the service accepts the job and the client does not receive the response."""
    proxy.swallow["POST /jobs/greet"] = 2
    job = behind.submit("greet", {"name": "Ada"}, labels=[behind.url])
    assert sum(line.startswith("POST /jobs/greet?label=") for line in proxy.requests) == len(proxy.requests) == 3
    assert [found.id for found in offload.jobs(label=behind.url)] == [job.id]


def test_a_lost_response_repeats_neither_a_batch_nor_its_end(behind: Client, proxy: Proxy, offload: Client) -> None:
    proxy.swallow["POST /batches HTTP"] = 1
    batch = behind.submit_batch([{"task": "spin", "params": {}}] * 3, [behind.url])
    assert len(list(offload.jobs(label=behind.url))) == 3
    proxy.swallow["/cancel"] = 1
    assert behind.cancel_batch(batch.id).counts.cancelled == 3
    proxy.swallow["DELETE"] = 1
    behind.delete_batch(batch.id)  # at the second try the batch does not exist, as wanted
    assert proxy.swallow == {"POST /batches HTTP": 0, "/cancel": 0, "DELETE": 0}


def test_deleting_what_does_not_exist_is_an_error(behind: Client) -> None:
    with pytest.raises(RefusedError, match="no job"):
        behind.delete("nothing")


def test_an_upload_is_sent_again_from_its_path_only(behind: Client, proxy: Proxy, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"abc")
    proxy.swallow["POST /uploads"] = 1
    assert behind.upload(path).size == 3
    proxy.swallow["POST /uploads"] = 1
    with path.open("rb") as file, pytest.raises(UnreachableError):
        behind.upload(file)


def test_a_large_result_is_resumed_where_it_was_cut(behind: Client, proxy: Proxy, offload: Client) -> None:
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


def test_cut_connections_do_not_end_a_wait(behind: Client, proxy: Proxy, gate: Path) -> None:
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


def test_cut_connections_hide_no_change(behind: Client, proxy: Proxy, offload: Client) -> None:
    changes = behind.changes_of_all()
    assert next(changes) == LoadAgain()
    for _ in range(3):
        job = offload.submit("greet", {"name": "Ada"}, wait_s=30)
        proxy.cut()
        assert any(isinstance(change, JobChanged) and change.job == job for change in changes)
    changes.close()


@pytest.mark.usefixtures("quick_trial")
@pytest.mark.parametrize("instead", [None, b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 0\r\n\r\n"])
def test_without_a_stream_it_polls(behind: Client, proxy: Proxy, gate: Path, instead: bytes | None) -> None:
    """A proxy holds the events back, or sends a page in their place."""
    if instead is None:
        proxy.hold.add("/events")
    else:
        proxy.instead["/events"] = instead
    job = behind.submit("hold", {"gate": str(gate)})
    seen: list[str] = []

    def notice(now: Job) -> None:
        seen.append(now.state)
        if now.state == "running":
            gate.touch()

    assert behind.wait(job.id, timeout_s=60, on_change=notice).state == "succeeded"
    assert seen[-2:] == ["running", "succeeded"]
    assert sum("/events" in line for line in proxy.requests) == 1
    with pytest.raises(TimeoutError, match="is still"):
        behind.wait(behind.submit("hold", {"gate": str(gate.with_name("never"))}).id, timeout_s=0.8)
    gate.with_name("never").touch()


@pytest.mark.usefixtures("quick_trial")
def test_without_a_stream_all_changes_are_moments_to_load(behind: Client, proxy: Proxy) -> None:
    proxy.hold.add("/events")
    changes = behind.changes_of_all()
    assert [next(changes), next(changes)] == [LoadAgain(), LoadAgain()]
    changes.close()


@pytest.mark.usefixtures("quick_trial")
def test_a_stream_that_works_is_opened_again_after_its_trial(behind: Client, proxy: Proxy, gate: Path) -> None:
    job = behind.submit("hold", {"gate": str(gate)})
    threading.Timer(1.0, gate.touch).start()
    seen: list[str] = []
    assert behind.wait(job.id, timeout_s=60, on_change=lambda now: seen.append(now.state)).state == "succeeded"
    assert seen[-2:] == ["running", "succeeded"]
    assert seen.count("running") == 1
    assert sum("/events" in line for line in proxy.requests) == 2


def test_a_proxys_page_passes_when_the_service_is_back(behind: Client, proxy: Proxy) -> None:
    behind.stats()
    proxy.instead["GET /stats"] = page("502 Bad Gateway")
    threading.Timer(0.5, proxy.instead.clear).start()
    assert behind.stats().lanes


def test_a_full_queue_is_waited_for_up_to_the_limit(tmp_path: Path, gate: Path, connect: Connect) -> None:
    with Server(tmp_path, lanes=1, queue_limit=1) as server, connect(server.url, room_s=0.3) as offload:
        running = offload.submit("hold", {"gate": str(gate)})
        until_sync(lambda: offload.job(running.id).state == "running")
        queued = offload.submit("hold", {"gate": str(gate)})
        with pytest.raises(RefusedError) as raised:
            offload.submit("greet", {"name": "Ada"})
        assert (raised.value.kind, raised.value.status) == ("queue-full", 503)
        assert raised.value.retry_after is not None
        with connect(server.url) as patient:
            patient.stats()
            threading.Timer(0.5, gate.touch).start()
            assert patient.submit("greet", {"name": "Ada"}, wait_s=30).state == "succeeded"
        assert offload.wait(queued.id).state == "succeeded"


def test_a_wait_and_a_submission_outlive_the_service(tmp_path: Path, gate: Path, connect: Connect) -> None:
    """It is killed while a job runs and another is submitted, and started again at the same address."""
    with Server(tmp_path) as server, connect(server.url) as offload:
        port = server.url.rpartition(":")[2]
        seen: list[Job] = []
        job = offload.submit("hold", {"gate": str(gate)})
        ended: list[Job] = []
        waiting = threading.Thread(
            target=lambda: ended.append(offload.wait(job.id, timeout_s=60, on_change=seen.append))
        )
        waiting.start()
        until_sync(lambda: seen and seen[-1].state == "running")
        server.kill()
        submitted: list[Job] = []
        submitting = threading.Thread(target=lambda: submitted.append(offload.submit("greet", {"name": "Ada"})))
        submitting.start()
        server.start(port=port)
        until_sync(lambda: server.api.job(job.id)["state"] == "running", what="the job to run again")
        gate.touch()
        waiting.join(60)
        submitting.join(60)
        assert [job.state for job in ended] == ["succeeded"]
        assert [job.id for job in offload.jobs(task="greet")] == [job.id for job in submitted]


def test_patience_ends(server: Server, proxy: Proxy, connect: Connect) -> None:
    job = server.api.submit("spin", {})
    with connect(proxy.url, patience_s=0.5) as offload, connect(proxy.url) as patient:
        assert offload.job(job["id"]).id == patient.job(job["id"]).id
        proxy.instead[" /"] = b""
        proxy.cut()
        with pytest.raises(UnreachableError):
            offload.job(job["id"])
        with pytest.raises(UnreachableError):
            offload.wait(job["id"])
        with pytest.raises(TimeoutError, match="No service responds"):
            patient.wait(job["id"], timeout_s=0.3)
    server.api.cancel(job["id"])
