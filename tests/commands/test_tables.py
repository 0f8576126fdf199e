"""Tables escape control sequences."""

import io
from collections.abc import Callable

import pytest
from rich.console import Console, RenderableType

from offload.commands.terminal.tables import Column, key_values, table

HOSTILE = "01\x1b]0;owned\x07\u202e\x9b31m"
COLUMNS = (Column(name="id"), Column(name="state"))


@pytest.mark.parametrize(
    "made",
    [
        lambda: table(COLUMNS, [(HOSTILE, "x")]),
        lambda: table(COLUMNS, [("x", HOSTILE)]),
        lambda: key_values([("x", HOSTILE)]),
    ],
)
def test_cells_are_escaped(made: Callable[[], RenderableType]) -> None:
    shown = io.StringIO()
    Console(file=shown, force_terminal=True, color_system=None, width=100).print(made())
    assert "01\\u001b]0;owned\\u0007\\u202e\\u009b31m" in shown.getvalue()
