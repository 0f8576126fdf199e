"""Tables for people: a heading, and columns of which only the last gives way where the terminal is narrow."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from rich.table import Table
from rich.text import Text

from offload.commands.screen import safe


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    name: str
    justify: Literal["left", "right"] = "left"
    style: str = ""


def table(columns: Sequence[Column], rows: Sequence[Sequence[Text | str]], *, fold: bool = False) -> Table:
    """`fold`: the last column goes on in further lines, rather than being cut. A column that is empty is left out.

    Strings are made harmless here, each `Text` is already.
    """
    cells = [[_cell(cell) for cell in row] for row in rows]
    widths = [max((len(row[place]) for row in cells), default=0) for place in range(len(columns))]
    shown = [place for place, width in enumerate(widths) if width or not cells]
    made = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for place in shown:
        column, last = columns[place], place == shown[-1]
        made.add_column(
            column.name,
            justify=column.justify,
            style=column.style,
            min_width=None if last else max(widths[place], len(column.name)),
            no_wrap=not (last and fold),
            overflow="fold" if last and fold else "ellipsis",
        )
    for row in cells:
        made.add_row(*map(row.__getitem__, shown))
    return made


def facts(pairs: Sequence[tuple[str, Text | str]]) -> Table:
    """Names and values, a line each."""
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    for name, value in pairs:
        grid.add_row(name, _cell(value))
    return grid


def _cell(value: Text | str) -> Text:
    return Text(safe(value)) if isinstance(value, str) else value
