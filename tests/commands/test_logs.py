"""`offload logs`, also of a running job."""

from collections.abc import Iterator

import pytest

from offload.commands.results import new_text
from tests.support.caller import Caller
from tests.support.command import Command
from tests.support.server import Server


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A service with tasks that print and log."""
    with Server(tmp_path_factory.mktemp("service"), tasks="sample_tasks:chatter, sample_tasks:mutter") as running:
        yield running


def texts(lines: list[str]) -> list[str]:
    """Returns the lines without time and source."""
    return [line.partition("stdout: ")[2] for line in lines]


def test_the_whole_log(offload: Command, api: Caller) -> None:
    job = api.succeeded(api.submit("chatter", {"lines": 30})["id"])
    whole = api.http.get(f"/jobs/{job['id']}/logs").text.splitlines()
    assert offload("logs", job["id"]).lines() == whole
    assert texts(whole) == [f"line {number} of what a task has to say" for number in range(30)]


@pytest.mark.parametrize("width", [0, 400])
def test_follow_until_the_job_has_finished(offload: Command, api: Caller, width: int) -> None:
    """No line is missing or repeated, also where all lines end alike."""
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
def test_new_text_after_the_oldest_lines_were_dropped(
    said: tuple[int, int], now: tuple[int, int], news: tuple[int, int]
) -> None:
    first, second, told = ("".join(LINES[slice(*each)]) for each in (said, now, news))
    assert new_text(first, second) == told


def test_identical_lines_are_all_printed() -> None:
    """For example the parts of one very long line, which have the same time."""
    assert new_text(LINES[0] * 3, LINES[0] * 5) == LINES[0] * 2


def test_show_prints_the_end_of_the_log(offload: Command, api: Caller) -> None:
    job = api.succeeded(api.submit("chatter", {"lines": 30})["id"])
    with offload.terminal("show", job["id"]) as terminal:
        assert terminal.end() == 0
    assert "line 29 of what" in terminal.text
    assert "line 9 of what" not in terminal.text
    assert f"offload logs {job['id']}" in terminal.text
