"""Numbers beyond the range of a float are rejected wherever they are sent, and the problem names their place."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from offload.tasks.registry import RegistrySpec
from tests.support.api_server import ApiServer, api_server
from tests.support.problems import problem

pytestmark = pytest.mark.anyio

HUGE = "1" + "0" * 400
NUMBERS = [HUGE, f"-{HUGE}", "1e400", "NaN", "-Infinity"]
JSON = {"content-type": "application/json"}


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[ApiServer]:
    """A service with a task that takes floats of every kind."""
    async with api_server(tmp_path, RegistrySpec(tasks="floats=tests.unit.tasks.functions:floats")) as server:
        yield server


@pytest.mark.parametrize("number", NUMBERS)
async def test_of_a_job_and_of_a_batch(server: ApiServer, number: str) -> None:
    params = f'{{"tree":{{"below":[{{"Weight":{number}}}]}}}}'
    place = ["tree", "below", 0, "Weight"]
    told = problem(await server.client.post("/jobs/floats", content=params, headers=JSON), 422, "invalid-parameters")
    assert told["errors"][0]["loc"] == ["body", *place]
    batch = f'{{"jobs":[{{"task":"floats","params":{{}}}},{{"task":"floats","params":{params}}}]}}'
    told = problem(await server.client.post("/batches", content=batch, headers=JSON), 422, "invalid-parameters")
    found = told["errors"][0]["loc"]
    assert found[:4] == ["body", "jobs", 1, "params"]
    assert found[4:] in ([], place)  # a number that no JSON may have is rejected before the member's task is known
    assert (await server.client.get("/jobs")).json()["jobs"] == []


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize("option", ["timeout_s", "memory_mb", "priority", "max_attempts"])
async def test_of_an_option(server: ApiServer, option: str, number: str) -> None:
    answer = await server.client.post(f"/jobs/floats?{option}={number}", content="{}", headers=JSON)
    assert problem(answer, 422, "invalid-parameters")["errors"][0]["loc"] == ["query", option]
    batch = f'{{"jobs":[{{"task":"floats","params":{{}},"{option}":{number}}}]}}'
    answer = await server.client.post("/batches", content=batch, headers=JSON)
    found = problem(answer, 422, "invalid-parameters")["errors"][0]["loc"]
    assert found == ["body", "jobs", 0, option]


@pytest.mark.parametrize("number", NUMBERS)
async def test_of_a_list_and_of_a_poll(server: ApiServer, number: str) -> None:
    problem(await server.client.get(f"/jobs?limit={number}"), 422, "invalid-parameters")
    job = (await server.client.post("/jobs/floats", json={})).json()["id"]
    answer = await server.client.get(f"/jobs/{job}?wait={number}.0")
    problem(answer, 422, "invalid-parameters")


async def test_what_is_stored_is_what_was_submitted(server: ApiServer) -> None:
    for params in (f'{{"whole":{HUGE}}}', '{"one":1.7976931348623157e308}', f'{{"anything":[{HUGE}]}}'):
        answer = await server.client.post("/jobs/floats", content=params, headers=JSON)
        assert answer.status_code == 202, answer.text
        assert f'"params":{params}' in answer.text
