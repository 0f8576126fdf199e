"""kill -9 of the service itself: every accepted job exists after the next start, and no process survives."""

import hashlib
import os
import random
import threading
from pathlib import Path

import gmpy2
import httpx

from tests.support.caller import Caller, answer
from tests.support.server import Server
from tests.support.spool import half_an_upload, parts
from tests.support.traces import alive
from tests.support.waiting import until_sync


def test_five_hundred_queued_jobs_survive(tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    with Server(tmp_path) as server:
        held = [server.api.submit("hold", {"gate": str(gate)})["id"] for _ in range(2)]
        accepted = {server.api.submit("fibonacci", {"n": n})["id"]: n for n in range(500)}
        lanes = [server.api.lane_of(job_id) for job_id in held]
        server.kill()
        until_sync(lambda: not [lane for lane in lanes if alive(lane)], what="the lanes to follow the service")

        api = server.start().api
        gate.touch()
        assert [api.succeeded(job_id)["attempt"] for job_id in held] == [2, 2]
        for job_id, n in accepted.items():
            job = api.succeeded(job_id)
            assert (job["attempt"], job["result"]["value"]) == (1, str(gmpy2.fib(n)))
        assert len(api.get("/jobs", limit=1000)["jobs"]) == 502


def test_no_process_of_a_killed_service_survives(tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    with Server(tmp_path) as server:
        grind, beget = server.api.submit("grind", {})["id"], server.api.submit("beget", {"gate": str(gate)})["id"]
        lanes = [server.api.lane_of(job_id) for job_id in (grind, beget)]
        until_sync(lanes[1].children, what="a task's own child")
        before = server.family()
        server.kill()
        until_sync(lambda: not any(alive(lane) for lane in lanes), within=2, what="C code to end with the service")

        api = server.start().api  # a detached child of a task is what the next start finds
        assert not [process for process in before if alive(process)]
        gate.touch()
        api.succeeded(beget)
        api.cancel(grind)


def test_the_files_of_a_killed_service_are_removed_silently(tmp_path: Path) -> None:
    with Server(tmp_path) as server:
        server.kill()
        until_sync(lambda: not server.family() and not server.semaphores_left(), what="every trace to go")
        assert "resource_tracker" not in server.stderr
        server.start()


def test_an_upload_survives_the_service_until_its_job_has_read_it(tmp_path: Path) -> None:
    with Server(tmp_path) as server:
        upload = answer(server.api.http.post("/uploads", content=b"content"), 201)
        server.kill()
        api = server.start().api
        job = api.succeeded(api.submit("file-digest", {"upload": upload["id"]})["id"])
        assert job["result"]["digests"]["sha256"] == hashlib.sha256(b"content").hexdigest()


def test_a_last_attempt_that_died_with_the_service_is_interrupted(tmp_path: Path) -> None:
    with Server(tmp_path) as server:
        job_id = server.api.submit("hold", {"gate": str(tmp_path / "gate")}, max_attempts=1)["id"]
        server.api.lane_of(job_id)
        running = server.api.get("/jobs", state="running")["jobs"]  # as the journal has it: the start is on disk
        assert [job["id"] for job in running] == [job_id]
        server.kill()
        job = server.start().api.failed(job_id, "interrupted")
        assert job["error"]["attempt"] == 1


def test_an_incomplete_upload_is_removed_at_the_next_start(tmp_path: Path) -> None:
    with Server(tmp_path) as server, half_an_upload(server):
        server.kill()
        server.start()
        until_sync(lambda: not parts(server), what="the half upload to be swept")


def test_results_of_any_size_survive_kills_at_random_moments(tmp_path: Path) -> None:
    seed = int.from_bytes(os.urandom(4))
    print(f"seed {seed}")
    chance = random.Random(seed)  # noqa: S311  # not a secret
    accepted: dict[str, tuple[int, int]] = {}
    with Server(tmp_path) as server:
        for _ in range(10):
            blow = threading.Timer(chance.uniform(0, 0.6), server.process.kill)
            blow.start()
            submit_until_gone(server.api, chance, accepted)
            blow.join()
            server.process.wait()
            server.start()
        print(f"{len(accepted)} jobs accepted")
        assert len(accepted) >= 20, "too few to show anything"
        for job_id, (size, number) in accepted.items():
            job = server.api.succeeded(job_id, within=120)
            assert job["attempt"] <= job["max_attempts"]
            result = server.api.result(job_id).encode()
            expected = random.Random(number).randbytes((size + 1) // 2).hex()[:size].encode()  # noqa: S311  # as `blob` does
            assert hashlib.sha256(result).digest() == hashlib.sha256(expected).digest(), job


def submit_until_gone(api: Caller, chance: random.Random, accepted: dict[str, tuple[int, int]]) -> None:
    """Submits up to thirty jobs, of 1 KiB to 5 MB, recording each 202; returns when the service answers no more."""
    try:
        for _ in range(30):
            size, number = round(10 ** chance.uniform(3, 6.7)), chance.randrange(1 << 30)
            accepted[api.submit("blob", {"size": size, "seed": number}, max_attempts=10)["id"]] = (size, number)
        while True:
            api.get("/health/live")
    except httpx.TransportError:
        return
