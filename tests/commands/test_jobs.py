"""Commands about existing jobs."""

import json
from pathlib import Path

import pytest

from tests.support.caller import Caller, Json
from tests.support.command import Command


@pytest.fixture(scope="module")
def some(api: Caller) -> dict[str, Json]:
    """Runs one job to each terminal state."""
    jobs = {
        "fine": api.submit("fibonacci", {"n": 30}, label="some"),
        "large": api.submit("blob", {"size": 100_000, "seed": 3}, label="some"),
        "bad": api.submit(
            "refuse", {"text": "it"}, label="some", priority=7, timeout_s=9, memory_mb=300, max_attempts=2
        ),
        "killed": api.submit("crash", {}, label="some", max_attempts=1),
    }
    return {name: api.ended(job["id"]) for name, job in jobs.items()}


def ids(lines: list[str]) -> list[str]:
    return [line.split("\t")[0] for line in lines]


def test_a_line_for_each_job(offload: Command, some: dict[str, Json]) -> None:
    lines = offload("jobs", "--label", "some").lines()
    assert ids(lines) == [job["id"] for job in reversed(some.values())]
    fine = some["fine"]
    assert lines[-1].split("\t") == [
        fine["id"],
        "fibonacci",
        "succeeded",
        fine["created_at"],
        str(fine["usage"]["wall_s"]),
        "some",
    ]


def test_filters(offload: Command, some: dict[str, Json]) -> None:
    def found(*options: str) -> set[str]:
        return set(ids(offload("jobs", "--label", "some", *options).lines()))

    failed = {some["bad"]["id"], some["killed"]["id"]}
    assert found("--state", "failed") == failed
    assert found("--state", "failed", "--state", "succeeded") == {job["id"] for job in some.values()}
    assert found("--task", "crash") == {some["killed"]["id"]}
    assert len(found("--limit", "2")) == 2
    assert found("--since", "1h") == found("--since", "2020-01-01") == {job["id"] for job in some.values()}
    assert found("--since", "2100-01-01T00:00") == set()
    assert found("--batch", some["bad"]["id"]) == set()


def test_json_is_the_json_of_the_api(offload: Command, api: Caller, some: dict[str, Json]) -> None:
    lines = offload("jobs", "--json", "--label", "some").lines()
    assert [json.loads(line) for line in lines] == api.get("/jobs", label="some")["jobs"]
    assert len(lines) == len(some)


def test_a_table_on_a_terminal(offload: Command, some: dict[str, Json]) -> None:
    with offload.terminal("jobs", "--label", "some") as terminal:
        assert terminal.end() == 0
    heading, *rows = terminal.text.splitlines()
    assert heading.split() == ["id", "task", "state", "took", "submitted", "labels"]
    assert [row.split()[0] for row in rows] == [job["id"] for job in reversed(some.values())]
    assert "✗ failed" in terminal.text
    assert max(map(len, terminal.text.splitlines())) <= 100


@pytest.mark.parametrize(("environment", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False)])
def test_colours_follow_the_environment(
    offload: Command, some: dict[str, Json], environment: dict[str, str], *, coloured: bool
) -> None:
    with offload.terminal("show", some["bad"]["id"], environment=environment) as terminal:
        assert terminal.end() == 0
    assert (b"\x1b[31m" in terminal.raw) is coloured
    piped = offload("show", some["bad"]["id"], environment={"FORCE_COLOR": "1", **environment})
    assert (b"\x1b[31m" in piped.stdout) is coloured


def test_show_prints_everything(offload: Command, some: dict[str, Json]) -> None:
    with offload.terminal("show", some["bad"]["id"]) as terminal:
        assert terminal.end() == 0
    for each in (some["bad"]["id"], '{"text": "it"}', "1 of 2", "some", "ValueError: I refuse it", "Traceback (most"):
        assert each in terminal.text
    with offload.terminal("show", some["killed"]["id"]) as terminal:
        assert terminal.end() == 0
    assert "SIGSEGV" in terminal.text
    with offload.terminal("show", some["large"]["id"]) as terminal:
        assert terminal.end() == 0
    assert f"offload result {some['large']['id']}" in terminal.text


def test_show_in_a_pipe_prints_names_and_values(offload: Command, some: dict[str, Json]) -> None:
    told = dict(line.split("\t", 1) for line in offload("show", some["bad"]["id"]).lines())
    assert told["state"] == "failed"
    assert told["id"] == some["bad"]["id"]
    assert "I refuse it" in told["error"]


def test_show_as_json(offload: Command, some: dict[str, Json]) -> None:
    assert offload("show", some["killed"]["id"], "--json").json() == some["killed"]


def test_results_of_any_size(offload: Command, api: Caller, some: dict[str, Json], tmp_path: Path) -> None:
    for name in ("fine", "large"):
        whole = api.http.get(some[name]["links"]["result"]).content
        assert offload("result", some[name]["id"]).stdout == whole + b"\n"
        assert offload("result", some[name]["id"], "-o", "result.json", cwd=tmp_path).lines() == []
        assert (tmp_path / "result.json").read_bytes() == whole
    with offload.terminal("result", some["fine"]["id"]) as terminal:
        assert terminal.end() == 0
    assert '  "value": "832040"' in terminal.text


def test_a_missing_result_is_a_failure(offload: Command, some: dict[str, Json], tmp_path: Path) -> None:
    for options in ([], ["-o", "result.json"]):
        ended = offload("result", some["bad"]["id"], *options, cwd=tmp_path)
        assert (ended.code, ended.stdout) == (1, b"")
        assert "I refuse it" in ended.stderr
    assert not (tmp_path / "result.json").exists()


def test_cancel(offload: Command, api: Caller, gate: Path) -> None:
    jobs = [api.submit("hold", {"gate": str(gate)})["id"] for _ in range(3)]
    cancelled = offload("cancel", *jobs, "--json").lines()
    assert [json.loads(line)["state"] for line in cancelled] == ["cancelled"] * 3
    assert offload("cancel", jobs[0]).lines() == []  # as the API: it is cancelled
    assert offload("result", jobs[0]).code == 1


def test_delete(offload: Command, api: Caller) -> None:
    job_id = api.succeeded(api.submit("fibonacci", {"n": 3})["id"])["id"]
    assert offload("delete", job_id).lines() == []
    api.get(f"/jobs/{job_id}", expect=404)


def test_retry(offload: Command, api: Caller, some: dict[str, Json]) -> None:
    again = api.ended(offload("retry", some["bad"]["id"]).line())
    for name in ("task", "params", "priority", "labels", "timeout_s", "memory_mb", "max_attempts"):
        assert again[name] == some["bad"][name]
    assert again["id"] != some["bad"]["id"]


def test_tasks(offload: Command, api: Caller) -> None:
    tasks = api.get("/tasks")["tasks"]
    assert ids(offload("tasks").lines()) == [task["name"] for task in tasks]
    assert [json.loads(line) for line in offload("tasks", "--json").lines()] == tasks
    assert ids(offload("tasks", "fibonacci").lines()) == ["n", "algorithm", "modulus", "format"]


def test_the_example_of_a_task_works(offload: Command) -> None:
    with offload.terminal("tasks", "fibonacci") as terminal:
        assert terminal.end() == 0
    (example,) = (line for line in terminal.text.splitlines() if line.startswith("offload submit"))
    assert offload(*example.split()[1:]).code == 0


def test_stats(offload: Command, api: Caller) -> None:
    kinds = ids(offload("stats").lines())
    assert kinds.count("lane") == len(api.lanes())
    assert kinds.count("queue") == 1
    assert set(offload("stats", "--json").json()) == set(api.get("/stats"))
