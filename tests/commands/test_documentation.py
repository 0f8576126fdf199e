"""docs/command-line.md: its examples, run as they stand, and that it leaves nothing out."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main

from app.commands.application import application
from tests.support.server import COMMAND, Server

PAGE = (Path(__file__).parents[2] / "docs" / "command-line.md").read_text()

SESSIONS = re.findall(r"^```console\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A service with nothing but its own tasks."""
    with Server(tmp_path_factory.mktemp("page"), tasks="") as running:
        yield running


def test_its_examples_give_what_they_show(server: Server, tmp_path: Path) -> None:
    """In one directory, since some go on from others."""
    shown = [
        part.partition("\n") for session in SESSIONS for part in re.split(r"^\$ ", session, flags=re.MULTILINE)[1:]
    ]
    script = "exec 2>&1\n" + "".join(f"{command}\nprintf '\\0'\n" for command, _, _ in shown)
    path = os.pathsep.join((str(COMMAND.parent), os.environ["PATH"]))
    environment = {**os.environ, "PATH": path, "OFFLOAD_URL": str(server.api.http.base_url)}
    bash = shutil.which("bash")
    assert bash is not None
    ran = subprocess.run(
        [bash, "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    assert ran.stdout.split("\0")[:-1] == [output for _, _, output in shown]


def described() -> list[tuple[str, list[str]]]:
    """Every command, and its options by their long names."""
    whole = typer.main.get_command(application)
    found = []
    for name, command in _commands(whole).items():
        for inner, each in (_commands(command) or {"": command}).items():
            options = [max(param.opts, key=len) for param in each.params if param.param_type_name == "option"]
            found.append((f"offload {name} {inner}".rstrip(), options))
    return found


def _commands(group: object) -> dict[str, Any]:  # Any, as the class of Typer's commands is not public
    return getattr(group, "commands", {})


@pytest.mark.parametrize(("command", "options"), described(), ids=lambda value: value if isinstance(value, str) else "")
def test_every_command_and_option_is_told(command: str, options: list[str]) -> None:
    assert command in PAGE
    for option in options:
        assert re.search(rf"{option}\b", PAGE), f"{command} {option}"
