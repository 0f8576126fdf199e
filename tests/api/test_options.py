"""The options of a submission are declared once, and every surface has exactly the declared ones."""

import inspect
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, get_type_hints

import pytest
import typer

from offload.api.batches.body import MEMBER_NAMES
from offload.api.contract.openapi import describe
from offload.api.digests.batches import VerifyQuery, identifying_content
from offload.api.jobs.options import MemberOptions, SubmitQuery
from offload.client import AsyncClient, Client, RemoteExecutor
from offload.client.api import submit
from offload.client.records import Member
from offload.commands.application import application
from offload.jobs.acceptance.idempotency import BatchDigest, identify, params_as_read
from offload.jobs.acceptance.submission import Submission
from offload.jobs.model import Batch, State
from offload.options import OPTIONS, SubmitOptions, given, query_parameters
from offload.server.application import create_app
from offload.server.settings import Settings
from offload.tasks.registry import RegistrySpec, load_registry
from tests.support.api_server import api_server
from tests.support.journals import a_job
from tests.support.problems import problem

NAMES = list(OPTIONS)
QUERY = [option.query for option in OPTIONS.values()]
SET: SubmitOptions = {
    "priority": -3,
    "timeout_s": 2.5,
    "max_attempts": 4,
    "memory_mb": 64,
    "labels": ("a", "b"),
}


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    settings, registry = (
        Settings(data_dir=Path("data"), files_dir=Path("files"), lanes=2),
        load_registry(RegistrySpec()),
    )
    return describe(create_app(settings), settings, registry)


@pytest.mark.parametrize(
    ("path", "others"),
    [
        ("/jobs/fibonacci", []),
        ("/jobs/file-digest", []),
        ("/jobs/file-digest/upload", []),
        ("/batches/file-digest", []),
        ("/batches/file-digest/verify", ["algorithm"]),
    ],
)
def test_a_call_has_them_as_query_parameters(document: dict[str, Any], path: str, others: list[str]) -> None:
    parameters = document["paths"][path]["post"]["parameters"]
    assert [one["name"] for one in parameters if one["in"] == "query"] == QUERY + others


def test_a_member_of_a_batch_has_them_as_fields(document: dict[str, Any]) -> None:
    assert list(document["components"]["schemas"]["BatchMember_fibonacci"]["properties"]) == ["task", "params", *NAMES]
    assert ("task", "params", *NAMES) == MEMBER_NAMES


@pytest.mark.parametrize("function", [Client.submit, AsyncClient.submit, Client.verify, RemoteExecutor.__init__])
def test_the_client_takes_them_by_name(function: Any) -> None:
    (options,) = [one for one in inspect.signature(function).parameters.values() if one.kind is one.VAR_KEYWORD]
    assert options.annotation.__args__ == (SubmitOptions,)
    assert list(get_type_hints(SubmitOptions)) == NAMES
    assert set(get_type_hints(Member)) == {"task", "params", *NAMES}


def test_the_client_sends_all_of_them() -> None:
    assert SET.keys() == OPTIONS.keys(), "a new option needs a value here"
    assert SubmitQuery.model_validate(_grouped(query_parameters(SET))).options() == {**SET, "labels": ["a", "b"]}
    assert MemberOptions.model_validate(json.loads(json.dumps(given(SET)))).options() == {**SET, "labels": ["a", "b"]}
    assert submit("fibonacci", {}, SET).query == query_parameters(SET)


def _grouped(pairs: Sequence[tuple[str, str]]) -> dict[str, str | list[str]]:
    repeatable = {option.query for option in OPTIONS.values() if option.repeatable}
    values: dict[str, str | list[str]] = {name: value for name, value in pairs if name not in repeatable}
    return values | {name: [value for key, value in pairs if key == name] for name in repeatable}


def test_the_client_does_not_send_what_is_not_set() -> None:
    absent: SubmitOptions = {"priority": None, "timeout_s": None, "labels": ()}
    assert given(absent) == {}
    assert query_parameters(absent) == ()
    assert query_parameters({"priority": 0}) == (("priority", "0"),)


def test_the_client_rejects_an_unknown_option() -> None:
    """Before it sends anything, and an executor when it is created."""
    unknown: Any = {"priorty": 1}
    with pytest.raises(TypeError, match="no option 'priorty'"):
        submit("fibonacci", {}, unknown)
    with pytest.raises(TypeError, match="no option 'priorty'"):
        RemoteExecutor("http://127.0.0.1:1", **unknown)


def test_options_have_the_order_of_their_declaration() -> None:
    """Fingerprints are made of them: the order in which a client sends them must not matter."""
    assert list(given({"labels": ["a"], "memory_mb": 64, "priority": 1})) == ["priority", "memory_mb", "labels"]


def test_the_command_line_has_them_as_options() -> None:
    command = typer.main.get_command(application).commands["submit"]  # type: ignore[attr-defined]  # it is a group
    flags = {parameter.name: parameter.opts for parameter in command.params}
    assert {name: flags.get(name) for name in NAMES} == {name: [option.flag] for name, option in OPTIONS.items()}


def test_the_documentation_explains_them() -> None:
    docs = Path(__file__).parents[2] / "docs"
    table = (docs / "jobs.md").read_text().partition("## Options")[2]
    assert [name for name in QUERY if f"| `{name}` |" not in table] == []
    command_line = (docs / "command-line.md").read_text()
    assert [option.flag for option in OPTIONS.values() if f"`{option.flag}" not in command_line] == []


@pytest.mark.parametrize(
    ("options", "fingerprint"),
    [
        ({}, "ab3f209ae74c00be9554c154e7526920"),
        (SET, "4430a9048051aa152b6f729a3fd6550d"),
        ({"labels": ["b", "a"], "timeout_s": 5.0}, "cedece7c2a64121c9b0cc77df91fcfe7"),
    ],
)
def test_the_fingerprints_in_journals_stay_valid(options: SubmitOptions, fingerprint: str) -> None:
    """A key that was used before an upgrade still stands for the same request after it."""
    task = load_registry(RegistrySpec())["fibonacci"]
    params = task.read(b'{"n": 30}')
    submission = Submission(task=task, params=params.text, values=params.values, options=options, key="k")
    key = identify(submission, params_as_read)
    assert key is not None
    assert key.fingerprint.hex() == fingerprint


@pytest.mark.anyio
async def test_a_key_from_before_an_upgrade_replays(tmp_path: Path) -> None:
    """Earlier versions made the fingerprint of what the task had read, not of what was sent."""
    body, batch = (
        b'{"algorithm":"fast","n":30}',
        b'{"jobs":[{"task":"fibonacci","params":{"algorithm":"fast","n":30}}]}',
    )
    async with api_server(tmp_path) as server:
        task = server.state.registry["fibonacci"]
        params = task.read(body)
        submission = Submission(task=task, params=params.text, values=params.values, key="job")
        await server.journal.add([a_job("earlier")], identify(submission, params_as_read))
        digest = BatchDigest("jobs", [], b"", params_as_read)
        digest.update([submission])
        counts = {**dict.fromkeys(State, 0), State.QUEUED: 1}
        earlier = Batch(id="batch", kind="jobs", size=1, created_at=0, counts=counts)
        member = replace(a_job("member"), batch_id="batch")
        await server.journal.add([member], digest.identify(None, "batch"), earlier)
        for path, content, key, found in (
            ("/jobs/fibonacci", body, "job", "earlier"),
            ("/batches", batch, "batch", "batch"),
        ):
            headers = {"content-type": "application/json", "idempotency-key": key}
            answer = await server.client.post(path, content=content, headers=headers)
            assert (answer.status_code, answer.json()["id"]) == (202, found)
            answer = await server.client.post(path, content=content.replace(b"30", b"31"), headers=headers)
            problem(answer, 422, "idempotency-key-reused")


@pytest.mark.parametrize(
    ("query", "content"),
    [
        (
            SubmitQuery.model_validate({"priority": "3", "label": ["b", "a"]}),
            b'{"priority": 3, "timeout_s": null, "max_attempts": null, "memory_mb": null, "label": ["b", "a"]}',
        ),
        (
            VerifyQuery.model_validate({"max_attempts": "3"}),
            b'{"priority": 0, "timeout_s": null, "max_attempts": 3, "memory_mb": null, "label": [], "algorithm": null}',
        ),
    ],
)
def test_what_identifies_a_batch_of_files_stays_the_same(query: SubmitQuery, content: bytes) -> None:
    assert identifying_content(query, ["x"]) == b"[" + content + b', "x"]'
