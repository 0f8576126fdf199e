"""Pages of the documentation, and the fenced blocks in them."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "SECURITY.md", *sorted((ROOT / "docs").glob("*.md"))]
"""Those that a user reads. Decisions have no examples."""

_NOT_RUN = re.compile(r"<!-- not run: (.+) -->")
_FILE = re.compile(r"`(?P<name>[\w./-]+\.\w+|Caddyfile)`[^`]*:\n*\Z")


class Block(NamedTuple):
    """A fenced block: its language, what is in it, and where it begins."""

    language: str
    text: str
    line: int
    file: str | None
    """The file that it is to be put into: the last name in code that its paragraph ends with, and a colon."""
    not_run: str | None
    """Why it can't be run here, in a comment above it: `<!-- not run: … -->`."""


def blocks(page: Path) -> list[Block]:
    """All of a page, from its top."""
    return list(_blocks(page.read_text()))


def _blocks(text: str) -> Iterator[Block]:
    paragraph, reason, begun = "", None, None
    lines: list[str] = []
    for number, line in enumerate(text.splitlines(), 1):
        if begun is not None:
            if line == "```":
                file = _FILE.search(paragraph)
                yield Block(begun[0], "".join(f"{each}\n" for each in lines), begun[1], file and file["name"], reason)
                paragraph, reason, begun, lines = "", None, None, []
            else:
                lines.append(line)
        elif line.startswith("```"):
            begun = line[3:], number
        elif found := _NOT_RUN.fullmatch(line):
            reason = found[1]
        elif line:
            paragraph = f"{paragraph}\n{line}" if not paragraph.endswith("\n") else line
        elif paragraph and not paragraph.endswith("\n"):
            paragraph += "\n"


def named(page: Path) -> str:
    return str(page.relative_to(ROOT))
