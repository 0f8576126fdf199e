"""`offload submit`."""

import json
from pathlib import Path

import pytest

from tests.support.caller import Caller
from tests.support.command import Command


def test_in_a_pipe_it_prints_the_id(offload: Command, api: Caller) -> None:
    job_id = offload("submit", "fibonacci", "n=10").line()
    assert api.succeeded(job_id)["params"]["n"] == 10


def test_wait_prints_the_exact_result(offload: Command, api: Caller) -> None:
    ended = offload("submit", "fibonacci", "n=1000", "--wait", "--json")
    job = ended.json()
    assert offload("result", job["id"]).stdout == api.http.get(job["links"]["result"]).content + b"\n"
    assert offload("submit", "fibonacci", "n=10", "--wait").line() == '{"n":10,"value":"55","digits":2}'


def test_a_large_result_is_printed_whole(offload: Command) -> None:
    (printed,) = offload("submit", "blob", "size=200000", "seed=1", "--wait").lines()
    assert len(json.loads(printed)) == 200_000


def test_options_reach_the_job(offload: Command, api: Caller) -> None:
    given = ("--priority", "7", "--timeout", "9", "--max-attempts", "3", "--memory", "256")
    job = offload("submit", "fibonacci", "n=1", *given, "--label", "a", "--label", "b c", "--json").json()
    assert (job["priority"], job["timeout_s"], job["max_attempts"], job["memory_mb"]) == (7, 9, 3, 256)
    assert job["labels"] == ["a", "b c"]
    api.succeeded(job["id"])


def test_a_negative_priority(offload: Command) -> None:
    assert offload("submit", "fibonacci", "n=1", "--priority", "-5", "--json").json()["priority"] == -5


def test_the_same_key_returns_the_same_job(offload: Command) -> None:
    first, second = (offload("submit", "fibonacci", "n=12", "--idempotency-key", "once").line() for _ in range(2))
    assert first == second


def test_json_is_the_json_of_the_api(offload: Command, api: Caller) -> None:
    job = offload("submit", "fibonacci", "n=20", "--wait", "--json").json()
    assert job == api.job(job["id"])


@pytest.mark.parametrize(
    ("given", "stdin"), [('{"n": 15}', b""), ("-", b'{"n": 15}'), ("@params.json", b"")], ids=["text", "stdin", "file"]
)
def test_all_parameters_at_once(offload: Command, tmp_path: Path, given: str, stdin: bytes) -> None:
    (tmp_path / "params.json").write_text('{"n": 15}')
    ended = offload("submit", "fibonacci", "--params", given, "modulus=7", "--wait", stdin=stdin, cwd=tmp_path)
    assert json.loads(ended.line())["value"] == "1"  # F(15) = 610


def test_text_is_sent_unchanged_and_may_come_from_a_file(offload: Command, tmp_path: Path) -> None:
    def lines(*given: str, stdin: bytes = b"") -> list[str]:
        greeting: list[str] = json.loads(
            offload("submit", "greet", *given, "--wait", stdin=stdin, cwd=tmp_path).line()
        )["lines"]
        return greeting

    (tmp_path / "name.txt").write_text("Ann\nof Y")
    assert lines("name=42") == ["Hello, 42!"]
    assert lines('name="x"', "times=2") == ['Hello, "x"!'] * 2
    assert lines("name=@name.txt") == ["Hello, Ann\nof Y!"]
    assert lines("name=@-", stdin=b"me") == ["Hello, me!"]
    assert lines("name=@@ann") == ["Hello, @ann!"]
    assert lines("name=") == ["Hello, !"]


def test_a_failure_is_reported_and_sets_the_exit_code(offload: Command) -> None:
    ended = offload("submit", "refuse", "text=nothing", "--wait")
    assert (ended.code, ended.stdout) == (1, b"")
    assert "ValueError: I refuse nothing" in ended.stderr
    assert "offload show " in ended.stderr
    assert "Traceback" not in ended.stderr
    assert len(ended.stderr.splitlines()) == 2


def test_with_json_a_failed_job_is_printed(offload: Command) -> None:
    ended = offload("submit", "refuse", "text=nothing", "--wait", "--json")
    assert (ended.code, ended.stderr) == (1, "")
    assert json.loads(ended.out)["error"]["type"] == "/problems/task-raised"


def test_on_a_terminal_it_suggests_watch(offload: Command, api: Caller) -> None:
    with offload.terminal("submit", "fibonacci", "n=10") as terminal:
        assert terminal.end() == 0
    job_id = terminal.text.split()[0]
    assert f"offload watch {job_id}" in terminal.text
    api.succeeded(job_id)


def test_on_a_terminal_waiting_shows_a_progress_bar(offload: Command) -> None:
    with offload.terminal("submit", "climb", "steps=300", "--wait") as terminal:
        terminal.until("of 300")
        assert terminal.end() == 0
    assert terminal.text.rstrip().endswith("300")


def test_in_a_pipe_there_is_no_progress_bar(offload: Command) -> None:
    ended = offload("submit", "climb", "steps=20", "--wait", environment={"FORCE_COLOR": "1"})
    assert (ended.code, ended.stderr) == (0, "")
