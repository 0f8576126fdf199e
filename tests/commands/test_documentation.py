"""docs/command-line.md is complete. Its examples are run by `tests/docs`."""

import re
from pathlib import Path
from typing import Any

import pytest
import typer.main

from offload.commands.application import application

PAGE = (Path(__file__).parents[2] / "docs" / "command-line.md").read_text()


def described() -> list[tuple[str, list[str]]]:
    """Returns every command with the long names of its options."""
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
def test_every_command_and_option_is_documented(command: str, options: list[str]) -> None:
    assert command in PAGE
    for option in options:
        assert re.search(rf"{option}\b", PAGE), f"{command} {option}"
