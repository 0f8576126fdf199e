"""`offload logs`: what a job has said, also while it goes on."""

from collections.abc import Iterator

import pytest

from tests.support.caller import Caller
from tests.support.command import Command
from tests.support.server import Server


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A service whose tasks talk."""
    with Server(tmp_path_factory.mktemp("service"), tasks="sample_tasks:chatter, sample_tasks:mutter") as running:
        yield running


def texts(lines: list[str]) -> list[str]:
    """The lines without time and source."""
    return [line.partition("stdout: ")[2] for line in lines]


def test_all_of_it(offload: Command, api: Caller) -> None:
    job = api.succeeded(api.submit("chatter", {"lines": 30})["id"])
    whole = api.http.get(f"/jobs/{job['id']}/logs").text.splitlines()
    assert offload("logs", job["id"]).lines() == whole
    assert texts(whole) == [f"line {number} of what a task has to say" for number in range(30)]


def test_followed_to_the_end(offload: Command, api: Caller) -> None:
    """Nothing is missing or told twice."""
    job_id = api.submit("mutter", {"times": 8})["id"]
    said = texts(offload("logs", job_id, "--follow").lines())
    assert said == [f"{number} of 8" for number in range(8)]


def test_shown_with_the_job(offload: Command, api: Caller) -> None:
    job = api.succeeded(api.submit("chatter", {"lines": 30})["id"])
    with offload.terminal("show", job["id"]) as terminal:
        assert terminal.end() == 0
    assert "line 29 of what" in terminal.text
    assert "line 9 of what" not in terminal.text
    assert f"offload logs {job['id']}" in terminal.text
