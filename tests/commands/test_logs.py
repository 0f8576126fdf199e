"""`offload logs`: what a job has said, also while it goes on."""

from collections.abc import Iterator

import pytest

from offload.commands.results import added
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


@pytest.mark.parametrize("width", [0, 400])
def test_followed_to_the_end(offload: Command, api: Caller, width: int) -> None:
    """Nothing is missing or told twice, also where all lines end alike."""
    job_id = api.submit("mutter", {"times": 8, "width": width})["id"]
    said = texts(offload("logs", job_id, "--follow").lines())
    assert said == [f"{number} of 8".ljust(width, ".") for number in range(8)]


LINES = [f"2026-11-23T09:00:0{n}.000000Z [1] stdout: {'.' * 400}\n    and\n    more\n" for n in range(6)]


@pytest.mark.parametrize(
    ("said", "now", "news"),
    [
        ((0, 0), (0, 3), (0, 3)),
        ((0, 3), (0, 3), (0, 0)),
        ((0, 3), (0, 5), (3, 5)),
        ((0, 3), (2, 5), (3, 5)),
        ((0, 3), (4, 6), (4, 6)),
        ((0, 3), (0, 0), (0, 0)),
    ],
)
def test_what_was_added_is_told_also_where_the_oldest_have_gone(
    said: tuple[int, int], now: tuple[int, int], news: tuple[int, int]
) -> None:
    first, second, told = ("".join(LINES[slice(*each)]) for each in (said, now, news))
    assert added(first, second) == told


def test_lines_that_are_all_the_same_are_all_told() -> None:
    """Such as the parts of a very long one: they have one time."""
    assert added(LINES[0] * 3, LINES[0] * 5) == LINES[0] * 2


def test_shown_with_the_job(offload: Command, api: Caller) -> None:
    job = api.succeeded(api.submit("chatter", {"lines": 30})["id"])
    with offload.terminal("show", job["id"]) as terminal:
        assert terminal.end() == 0
    assert "line 29 of what" in terminal.text
    assert "line 9 of what" not in terminal.text
    assert f"offload logs {job['id']}" in terminal.text
