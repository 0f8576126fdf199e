"""`max_attempts` holds when the service is killed, however quick a job is."""

import os
import random
import threading
from collections import Counter
from pathlib import Path

import httpx

from tests.support import counted_tasks
from tests.support.caller import Caller
from tests.support.server import Server
from tests.support.waiting import until_sync

TASKS = f"{counted_tasks.__name__}:work, {counted_tasks.__name__}:kill_service"
KILLS = 12


def counting_server(directory: Path) -> Server:
    server = Server(directory, tasks=TASKS)
    server.working_directory = Path(__file__).parents[2]
    return server


def begins(ledger: Path) -> Counter[str]:
    return Counter(ledger.read_text().splitlines()) if ledger.exists() else Counter()


def test_no_job_begins_more_often_than_allowed(tmp_path: Path) -> None:
    seed = int.from_bytes(os.urandom(4))
    print(f"seed {seed}")
    chance = random.Random(seed)  # noqa: S311  # not a secret
    ledger, accepted = tmp_path / "ledger", dict[str, str]()
    with counting_server(tmp_path) as server:
        for _ in range(KILLS):
            blow = threading.Timer(chance.uniform(0, 0.3), server.process.kill)
            blow.start()
            submit_until_gone(server.api, chance, ledger, accepted)
            blow.join()
            server.process.wait()
            server.start()
        assert len(accepted) > KILLS, "too few to show anything"
        for job_id in accepted:
            server.api.ended(job_id)
        jobs = {job_id: server.api.job(job_id) for job_id in accepted}
    begun = begins(ledger)
    assert [
        (job["state"], begun[mark], job["attempt"], job["max_attempts"])
        for job_id, mark in accepted.items()
        for job in [jobs[job_id]]
        if not begun[mark] <= job["attempt"] <= job["max_attempts"]
    ] == []
    assert {job["error"]["type"] for job in jobs.values() if job["state"] == "failed"} <= {"/problems/interrupted"}


def submit_until_gone(api: Caller, chance: random.Random, ledger: Path, accepted: dict[str, str]) -> None:
    """Submits quick jobs and notes each 202; returns when the service no longer responds."""
    try:
        while True:
            mark = f"{chance.randrange(1 << 60):x}"
            params = {"ledger": str(ledger), "mark": mark, "ms": chance.choice([0, 0, chance.uniform(0, 45)])}
            accepted[api.submit("work", params, max_attempts=chance.choice([1, 1, 2, 3]))["id"]] = mark
    except httpx.TransportError:
        pass


def test_a_task_that_kills_the_service_fails_after_its_attempts(tmp_path: Path) -> None:
    ledger, pid_file = tmp_path / "ledger", tmp_path / "pid"
    pid_file.write_text("0")
    with counting_server(tmp_path) as server:
        pid_file.write_text(str(server.process.pid))
        params = {"ledger": str(ledger), "mark": "killer", "pid_file": str(pid_file)}
        job_id = server.api.submit("kill-service", params, max_attempts=3)["id"]
        for attempt in (1, 2, 3):
            until_sync(lambda: server.process.poll() is not None, what=f"attempt {attempt} to kill the service")
            pid_file.write_text("0")
            if attempt < 3:
                server.launch()
                pid_file.write_text(str(server.process.pid))
        server.start()
        job = server.api.failed(job_id, "interrupted")
        assert (job["attempt"], begins(ledger)["killer"]) == (3, 3)
