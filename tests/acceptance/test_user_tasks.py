"""A user's own module: described, run, and when it misbehaves, told as it was."""

from pathlib import Path

import pytest

from tests.support.caller import Caller
from tests.support.server import DidNotStartError, Server


def test_a_function_is_a_task_with_a_schema(api: Caller) -> None:
    task = api.get("/tasks/greet")
    assert task["summary"] == "Greet somebody."
    properties = task["params"]["properties"]
    assert set(properties) == {"name", "times"}
    assert properties["times"]["exclusiveMinimum"] == 0
    assert task["params"]["required"] == ["name"]
    assert "lines" in task["result"]["properties"]
    assert {"greet", "fibonacci", "file-digest"} <= {task["name"] for task in api.get("/tasks")["tasks"]}


def test_its_route_is_in_the_openapi_document(api: Caller) -> None:
    described = api.get("/openapi.json")
    operation = described["paths"]["/jobs/greet"]["post"]
    assert operation["summary"] == "Greet somebody."
    body = operation["requestBody"]["content"]["application/json"]
    schema = body["schema"]
    if reference := schema.get("$ref"):
        schema = described["components"]["schemas"][reference.rpartition("/")[2]]
    assert set(schema["properties"]) == {"name", "times"}


def test_an_injected_progress_is_not_a_parameter(api: Caller) -> None:
    assert set(api.get("/tasks/count")["params"]["properties"]) == {"gate"}


def test_a_user_task_runs(api: Caller) -> None:
    job = api.succeeded(api.submit("greet", {"name": "you", "times": 2})["id"])
    assert job["result"] == {"lines": ["Hello, you!", "Hello, you!"]}
    assert job["usage"]["wall_s"] >= 0
    assert job["usage"]["peak_rss_bytes"] > 1 << 20


@pytest.mark.parametrize("params", [{"name": 1}, {}, {"name": "a", "times": 0}, {"name": "a", "more": 1}])
def test_parameters_are_validated_before_the_task_runs(api: Caller, params: dict[str, object]) -> None:
    problem = api.submit("greet", params, expect=422)
    assert problem["type"] == "/problems/invalid-parameters"
    assert problem["errors"]


def test_an_exception_fails_the_job_and_is_reported(api: Caller) -> None:
    job = api.failed(api.submit("refuse", {"text": "spam"})["id"], "task-raised")
    assert job["attempt"] == 1
    assert job["error"]["exception"] == "ValueError"
    assert "I refuse spam" in job["error"]["detail"]
    assert "in refuse" in job["error"]["traceback"]
    assert "offload/worker" not in job["error"]["traceback"]


def test_a_task_that_exits_is_retried_and_then_fails(api: Caller) -> None:
    job = api.failed(api.submit("leave", {"code": 7}, max_attempts=3)["id"], "worker-died")
    assert job["attempt"] == job["error"]["attempt"] == 3
    assert job["error"]["exit_code"] == 7


def test_a_task_that_crashes_is_retried_and_then_fails(api: Caller) -> None:
    job = api.failed(api.submit("crash", {})["id"], "worker-died")
    assert job["attempt"] == 2
    assert job["error"]["signal"] == "SIGSEGV"


def test_a_result_over_the_limit_fails_the_job(api: Caller) -> None:
    job = api.failed(api.submit("blob", {"size": 300_000_000, "seed": 1})["id"], "result-too-large")
    assert job["attempt"] == 1


def test_prints_are_limited_and_do_not_reach_stdout(server: Server, api: Caller) -> None:
    before = len(server.stderr)
    assert api.succeeded(api.submit("chatter", {"lines": 300_000})["id"])["result"] == 300_000
    assert server.stdout.count("\n") == 1
    assert len(server.stderr) - before < 1 << 20


@pytest.mark.parametrize("entry", ["nowhere_at_all:thing", "sample_tasks:no_such_function", "sample_tasks:os"])
def test_an_entry_that_is_not_a_function_prevents_the_start(tmp_path: Path, entry: str) -> None:
    with pytest.raises(DidNotStartError) as refused, Server(tmp_path, tasks=f"sample_tasks:greet, {entry}"):
        pass
    assert refused.value.code not in {0, None}
    assert entry in refused.value.stderr
    assert "Traceback" not in refused.value.stderr


def test_the_server_and_its_lanes_import_the_same_modules(tmp_path: Path) -> None:
    """The working directory has another module of the same name, and a folder with the name of our package."""
    for folder in ("first", "second"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "same_name.py").write_text(f"def where() -> str:\n    return {folder!r}\n")
    (tmp_path / "second" / "offload").mkdir()
    (tmp_path / "second" / "offload" / "__init__.py").write_text("raise RuntimeError('not this one')\n")
    (tmp_path / "second" / "safe_path.py").write_text(
        "import os\n\ndef safe_path() -> bool:\n    return 'PYTHONSAFEPATH' in os.environ\n"
    )
    server = Server(tmp_path, lanes=1, tasks="same_name:where, safe_path:safe_path")
    server.working_directory = tmp_path / "second"
    server.environment["PYTHONPATH"] = str(tmp_path / "first")
    with server:
        assert server.api.succeeded(server.api.submit("where", {})["id"])["result"] == "first"
        assert server.api.succeeded(server.api.submit("safe-path", {})["id"])["result"] is False
