"""API keys in a real service: reload while it runs, owners across restarts, quota and fairness under load."""

import os
import socket
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.support.caller import Caller, answer
from tests.support.keys import ALICE, BOB, ENTRIES, ROOT
from tests.support.server import DidNotStartError, Server
from tests.support.waiting import until_sync


def admitted(api: Caller) -> bool:
    """Whether the service knows the caller's key."""
    response = api.http.get("/jobs")
    assert response.status_code in {200, 401}, response.text
    return response.status_code == 200


def test_the_keys_file_is_reloaded_while_jobs_run(tmp_path: Path) -> None:
    keys, gate = tmp_path / "keys", tmp_path / "gate"
    keys.write_text(f"alice:{ALICE}\nroot:{ROOT}:admin\n")
    with Server(tmp_path, api_keys_file=str(keys)) as server:
        alice, bob, root = map(server.api_with, (ALICE, BOB, ROOT))
        assert [admitted(caller) for caller in (alice, bob, root, server.api)] == [True, False, True, False]
        running = alice.submit("hold", {"gate": str(gate)})["id"]
        root.lane_of(running)

        keys.write_text(f"bob:{BOB}\nroot:{ROOT}:admin\n")
        server.close_terminal()
        until_sync(lambda: admitted(bob), what="the new key to count")
        assert not admitted(alice)

        keys.write_text(f"alice:{ALICE}\nroot {ROOT}\n")
        server.close_terminal()
        until_sync(lambda: "the keys file was not reloaded" in server.stderr, what="the broken file to be told of")
        assert "line 2: write name:KEY" in server.stderr
        assert [admitted(caller) for caller in (alice, bob, root)] == [False, True, True]

        keys.unlink()
        os.mkfifo(keys)
        server.close_terminal()
        until_sync(lambda: "it is not a regular file" in server.stderr, what="the FIFO to be reported")
        assert [admitted(caller) for caller in (alice, bob, root)] == [False, True, True]

        gate.touch()
        assert root.succeeded(running)["attempt"] == 1
        server.api.get("/health/ready")
        server.stop()
        for key in (ALICE, BOB, ROOT):
            assert key not in server.stderr + server.stdout


def test_an_invalid_keys_file_prevents_the_start(tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    keys.write_text("alice:short\n")
    with pytest.raises(DidNotStartError) as refused:
        Server(tmp_path, api_keys_file=str(keys)).start()
    assert refused.value.code == 2
    assert f"OFFLOAD_API_KEYS_FILE={keys}: line 1: write a key of at least 16 characters" in refused.value.stderr


def test_a_fifo_in_place_of_the_keys_file_prevents_the_start(tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    os.mkfifo(keys)
    with pytest.raises(DidNotStartError, match="it is not a regular file") as refused:
        Server(tmp_path, api_keys_file=str(keys)).start()
    assert refused.value.code == 2


def test_jobs_keep_their_owners_across_restarts(tmp_path: Path) -> None:
    with Server(tmp_path) as server:
        nobodys = server.api.succeeded(server.api.submit("greet", {"name": "you"})["id"])["id"]
        server.stop()

        server.start(api_keys=ENTRIES)
        alice, bob, root = map(server.api_with, (ALICE, BOB, ROOT))
        alices = alice.succeeded(alice.submit("greet", {"name": "you"})["id"])["id"]
        server.kill()

        server.start()
        alice, bob, root = map(server.api_with, (ALICE, BOB, ROOT))
        for caller, seen in ((alice, [alices]), (bob, []), (root, [alices, nobodys])):
            assert [job["id"] for job in caller.get("/jobs")["jobs"]] == seen
            for job_id in {alices, nobodys} - set(seen):
                assert caller.get(f"/jobs/{job_id}", expect=404)["type"] == "/problems/job-not-found"
        assert alice.job(alices)["owner"] == "alice"


def test_an_owner_at_its_quota_is_rejected_and_others_are_not(tmp_path: Path) -> None:
    """Also where all its requests come at once: jobs on their way to the journal count."""
    gate = tmp_path / "gate"
    with Server(tmp_path, lanes=1, api_keys=ENTRIES, owner_queue_limit=5) as server, ThreadPoolExecutor(16) as at_once:
        alice, bob = map(server.api_with, (ALICE, BOB))
        alice.lane_of(alice.submit("hold", {"gate": str(gate)})["id"])
        sent = [at_once.submit(alice.http.post, "/jobs/greet", json={"name": "you"}) for _ in range(40)]
        answers = [each.result(timeout=30) for each in sent]
        assert Counter(each.status_code for each in answers) == {202: 5, 429: 35}
        refused = next(each for each in answers if each.status_code == 429)
        assert answer(refused, 429)["type"] == "/problems/quota-exceeded"
        assert int(refused.headers["Retry-After"]) >= 1

        bobs = bob.submit("greet", {"name": "you"})["id"]
        gate.touch()
        bob.succeeded(bobs)
        for accepted in (each.json()["id"] for each in answers if each.status_code == 202):
            alice.succeeded(accepted)
        alice.succeeded(alice.submit("greet", {"name": "you"})["id"])


def test_many_jobs_of_one_owner_delay_others_only_by_what_is_running(tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    with Server(tmp_path, lanes=1, api_keys=ENTRIES) as server:
        alice, bob = map(server.api_with, (ALICE, BOB))
        running = alice.submit("hold", {"gate": str(gate)})["id"]
        alice.lane_of(running)
        alices = [alice.submit("greet", {"name": "you"})["id"] for _ in range(100)]
        bobs = [bob.submit("greet", {"name": "you"})["id"] for _ in range(3)]
        urgent = alice.submit("greet", {"name": "you"}, priority=1)["id"]
        gate.touch()
        for caller, job_id in [*((alice, each) for each in [*alices, urgent]), *((bob, each) for each in bobs)]:
            caller.succeeded(job_id)

        root = server.api_with(ROOT)
        jobs = root.get("/jobs", limit=1000)["jobs"]
        order = [job["id"] for job in sorted(jobs, key=lambda job: job["started_at"])]
        assert order[:2] == [running, urgent], "priority goes before fairness"
        assert order[2:8] == [bobs[0], alices[0], bobs[1], alices[1], bobs[2], alices[2]]


def test_a_caller_without_a_key_can_not_upload(tmp_path: Path) -> None:
    with Server(tmp_path, api_keys=ENTRIES) as server:
        url = server.api.http.base_url
        request = (
            "POST /uploads HTTP/1.1\r\nHost: offload\r\nContent-Length: 1000000000\r\nExpect: 100-continue\r\n\r\n"
        )
        with socket.create_connection((url.host, url.port or 80), timeout=10) as client:
            client.sendall(request.encode())
            said = client.makefile("rb").read()  # to the end: the service hangs up
        assert said.startswith(b"HTTP/1.1 401 ")
        assert list((server.data_dir / "uploads").iterdir()) == []
