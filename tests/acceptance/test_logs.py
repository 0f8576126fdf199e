"""Logs of tasks, kept by a real service whose parts are killed."""

import json
from pathlib import Path

from offload.wire.attempt_files import RESTARTED
from tests.support.caller import Caller
from tests.support.server import Server
from tests.support.waiting import until_sync


def said(api: Caller, job_id: str) -> list[tuple[int, str]]:
    """Attempts and texts, oldest first."""
    answer = api.http.get(f"/jobs/{job_id}/logs", headers={"Accept": "application/jsonl"})
    assert answer.status_code == 200
    return [(line["attempt"], line["text"]) for line in map(json.loads, answer.text.splitlines())]


def test_each_attempt_has_its_own_log_even_if_it_was_killed(tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    with Server(tmp_path) as server:
        api = server.api
        job_id = api.submit("talk", {"gate": str(gate)})["id"]
        until_sync(lambda: said(api, job_id) == [(1, "I wait.")], what="the first words, while it runs")
        api.lane_of(job_id).kill()
        until_sync(lambda: len(said(api, job_id)) == 2, what="the second attempt to speak")
        gate.touch()
        api.succeeded(job_id)
        everything = [(1, "I wait."), (2, "I wait."), (2, "I go <b>on</b>."), (2, "I am done.")]
        assert said(api, job_id) == everything
        server.kill()
        assert said(server.start().api, job_id) == everything


def test_the_last_line_of_a_killed_attempt_stays_unfinished(tmp_path: Path) -> None:
    """And so is in the text while the next attempt runs, whose own line may still go on."""
    with Server(tmp_path) as server:
        job_id = server.api.submit("talk", {"gate": str(tmp_path / "gate"), "end": ""})["id"]
        until_sync(lambda: said(server.api, job_id) == [(1, "I wait.")], what="the first attempt to speak")
        assert server.api.http.get(f"/jobs/{job_id}/logs").text == ""
        server.api.lane_of(job_id).kill()
        until_sync(lambda: len(said(server.api, job_id)) == 2, what="the second attempt to speak")
        (line,) = server.api.http.get(f"/jobs/{job_id}/logs").text.splitlines()
        assert line.endswith(" [1] stdout: I wait.")
        server.api.cancel(job_id)


def test_the_log_of_a_timed_out_job_is_kept(tmp_path: Path) -> None:
    with Server(tmp_path) as server:
        job_id = server.api.submit("talk", {"gate": "/never"}, timeout_s=0.5)["id"]
        server.api.failed(job_id, "timed-out")
        assert said(server.api, job_id) == [(1, "I wait.")]


def test_the_next_start_removes_logs_of_deleted_jobs(tmp_path: Path) -> None:
    with Server(tmp_path) as server:
        kept = server.api.submit("chatter", {"lines": 3})["id"]
        server.api.succeeded(kept)
        server.kill()
        logs = server.data_dir / "logs"
        orphan = logs / "01a20000-0000-7000-8000-000000000001.1.log"
        orphan.write_text("{}")
        api = server.start().api
        until_sync(lambda: not orphan.exists(), what="the orphan to go")
        assert [text for _, text in said(api, kept)] == [f"line {n} of what a task has to say" for n in range(3)]
        assert api.http.delete(f"/jobs/{kept}").status_code == 204
        assert list(logs.iterdir()) == []


def test_the_log_of_a_requeued_attempt_says_that_it_starts_again(tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    with Server(tmp_path, shutdown_grace_s=0) as server:
        job_id = server.api.submit("talk", {"gate": str(gate)})["id"]
        until_sync(lambda: said(server.api, job_id) == [(1, "I wait.")], what="the first words")
        server.stop()
        api = server.start().api
        until_sync(lambda: len(said(api, job_id)) == 3, what="it to speak again")
        assert said(api, job_id) == [(1, "I wait."), (1, RESTARTED), (1, "I wait.")]
        gate.touch()
        assert api.succeeded(job_id)["attempt"] == 1
