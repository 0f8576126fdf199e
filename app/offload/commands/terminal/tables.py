"""Tables for a terminal: only the last column shrinks where the terminal is narrow."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from rich.table import Table
from rich.text import Text

from offload.commands.terminal.output import escape


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    name: str
    justify: Literal["left", "right"] = "left"
    style: str = ""


def table(columns: Sequence[Column], rows: Sequence[Sequence[Text | str]], *, fold: bool = False) -> Table:
    """Returns a table without its empty columns. `fold`: the last column is wrapped instead of cut.

    Strings are escaped here; a `Text` must be escaped by the caller.
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


def key_values(pairs: Sequence[tuple[str, Text | str]]) -> Table:
    """Returns names and values, one pair per line."""
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    for name, value in pairs:
        grid.add_row(name, _cell(value))
    return grid


def _cell(value: Text | str) -> Text:
    return Text(escape(value)) if isinstance(value, str) else value
