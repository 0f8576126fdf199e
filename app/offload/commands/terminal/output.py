"""Output of commands: tables and colours on a terminal, plain lines in a pipe.

Labels, results, file names and log lines may contain control sequences that a terminal executes. `escape` makes them
visible; everything that is printed for people goes through it. Rich's markup is off.
"""

import json
import re
import sys
from collections.abc import Callable, Iterable
from functools import cache
from typing import TypeVar

from rich.console import Console, RenderableType
from rich.highlighter import JSONHighlighter
from rich.text import Text

from offload.client.records import Record

# Control characters (C0, DEL, C1), bidirectional marks, line separators and lone surrogates.
_UNSAFE = re.compile("[\0-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_UNSAFE_IN_LINES = re.compile(_UNSAFE.pattern.replace("\0-\x1f", "\0-\x08\x0b-\x1f"))


@cache
def out() -> Console:
    """Returns the console that writes to stdout."""
    return Console(markup=False, highlight=False, emoji=False)


@cache
def err() -> Console:
    """Returns the console that writes to stderr."""
    return Console(stderr=True, markup=False, highlight=False, emoji=False)


def is_terminal() -> bool:
    """True where stdout is a terminal, or FORCE_COLOR says so."""
    return out().is_terminal


def can_show_progress() -> bool:
    """True where stderr is a terminal on which a progress bar can be drawn."""
    return sys.stderr.isatty() and not err().is_dumb_terminal


def escape(text: str) -> str:
    """Returns the text on one line, with escapes for everything that a terminal or script could misread."""
    return _UNSAFE.sub(_escaped, text)


def escape_lines(text: str) -> str:
    """The same for several lines: newlines and tabs stay."""
    return _UNSAFE_IN_LINES.sub(_escaped, text)


def _escaped(found: re.Match[str]) -> str:
    return {"\n": "\\n", "\t": "\\t", "\r": "\\r"}.get(found[0]) or f"\\u{ord(found[0]):04x}"


def print_error(message: str, prefix: str = "offload: ") -> None:
    """Prints an error or a hint to stderr."""
    print(prefix + escape_lines(message), file=sys.stderr)


def print_view(view: RenderableType) -> None:
    """Prints a table or another Rich view to stdout."""
    out().print(view)


def print_line(text: str, style: str = "") -> None:
    """Prints a line to stdout without wrapping, so that ids in it can be copied."""
    out().print(Text(escape(text), style=style), soft_wrap=True)


def print_row(*fields: object) -> None:
    """Prints a line for scripts: fields separated by tabs, empty for None."""
    print("\t".join("" if field is None else escape(str(field)) for field in fields), flush=True)


R = TypeVar("R", bound=Record)


def print_record(record: R, people: Callable[[R], object], scripts: Callable[[R], object], *, as_json: bool) -> None:
    """Prints a record as JSON where that is asked for, else for people on a terminal, else for scripts."""
    if as_json:
        print_json(record)
    elif is_terminal():
        people(record)
    else:
        scripts(record)


def print_records(
    records: Iterable[R], people: Callable[[list[R]], object], scripts: Callable[[R], object], *, as_json: bool
) -> None:
    """The same for many: on a terminal all together, else each as it arrives."""
    if is_terminal() and not as_json:
        people(list(records))
        return
    for record in records:
        print_json(record) if as_json else scripts(record)


def print_json(record: Record | object) -> None:
    """Prints a record as one line of JSON, with every field that the service sent."""
    value = record.raw if isinstance(record, Record) else record
    print(compact(value), flush=True)


def compact(value: object) -> str:
    """Returns one line of JSON, escaped for a terminal."""
    return escape(json.dumps(value, ensure_ascii=False))


def indented(value: object) -> Text:
    """Returns indented, coloured JSON, escaped for a terminal: the escapes are JSON's own."""
    return _highlight(escape_lines(json.dumps(value, ensure_ascii=False, indent=2)))


_highlight = JSONHighlighter()
