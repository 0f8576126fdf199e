"""What is written where: tables and colours on a terminal, plain lines into a pipe, and nothing hostile on either.

Text of others (labels, results, file names, log lines) may hold what a terminal takes for commands. `safe` makes it
visible, and everything that people read goes through it. Rich's markup is off.
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

# Control characters (C0, DEL, C1), marks that reverse the reading direction, and halves of characters.
_HOSTILE = re.compile("[\0-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_HOSTILE_IN_LINES = re.compile(_HOSTILE.pattern.replace("\0-\x1f", "\0-\x08\x0b-\x1f"))


@cache
def out() -> Console:
    """Stdout, for people."""
    return Console(markup=False, highlight=False, emoji=False)


@cache
def err() -> Console:
    """Stderr, for people."""
    return Console(stderr=True, markup=False, highlight=False, emoji=False)


def for_people() -> bool:
    """Whether stdout is a terminal, or is to be taken for one (FORCE_COLOR)."""
    return out().is_terminal


def shows_progress() -> bool:
    """Whether something that moves may be shown on stderr: on a terminal that can go back in its line."""
    return sys.stderr.isatty() and not err().is_dumb_terminal


def safe(text: str) -> str:
    """A text in one line, with escapes for what a terminal or a script could take for something else."""
    return _HOSTILE.sub(_escape, text)


def safe_lines(text: str) -> str:
    """The same for a text of several lines, which keeps them and its tabs."""
    return _HOSTILE_IN_LINES.sub(_escape, text)


def _escape(found: re.Match[str]) -> str:
    return {"\n": "\\n", "\t": "\\t", "\r": "\\r"}.get(found[0]) or f"\\u{ord(found[0]):04x}"


def tell(message: str, prefix: str = "offload: ") -> None:
    """A line of error or advice on stderr."""
    print(prefix + safe_lines(message), file=sys.stderr)


def show(what: RenderableType) -> None:
    """Something for people, on stdout."""
    out().print(what)


def say(text: str, style: str = "") -> None:
    """A line for people, on stdout, never folded: what is in it may be copied."""
    out().print(Text(safe(text), style=style), soft_wrap=True)


def write_row(*fields: object) -> None:
    """A line for scripts: fields parted by tabs, an empty one for None."""
    print("\t".join("" if field is None else safe(str(field)) for field in fields), flush=True)


R = TypeVar("R", bound=Record)


def write(record: R, people: Callable[[R], object], scripts: Callable[[R], object], *, as_json: bool) -> None:
    """A value of the API, in one of three ways: as JSON, where that is asked for; for people; or for scripts."""
    if as_json:
        write_json(record)
    elif for_people():
        people(record)
    else:
        scripts(record)


def write_all(
    records: Iterable[R], people: Callable[[list[R]], object], scripts: Callable[[R], object], *, as_json: bool
) -> None:
    """Many of them: people see all at once, and others each as it comes."""
    if for_people() and not as_json:
        people(list(records))
        return
    for record in records:
        write_json(record) if as_json else scripts(record)


def write_json(record: Record | object) -> None:
    """A value of the API as one line of JSON, with whatever members the service gave it."""
    value = record.raw if isinstance(record, Record) else record
    print(compact(value), flush=True)


def compact(value: object) -> str:
    """JSON in one line, harmless on a terminal."""
    return safe(json.dumps(value, ensure_ascii=False))


def indented(value: object) -> Text:
    """JSON for people, harmless on a terminal: what `safe` writes is JSON's own escape."""
    return _coloured(safe_lines(json.dumps(value, ensure_ascii=False, indent=2)))


_coloured = JSONHighlighter()
