"""The pages of the documentation, and their fenced blocks."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "SECURITY.md", *sorted((ROOT / "docs").glob("*.md"))]
"""The pages for users. Decisions have no examples."""

_NOT_RUN = re.compile(r"<!-- not run: (.+) -->")
_FILE = re.compile(r"`(?P<name>[\w./-]+\.\w+|Caddyfile)`[^`]*:\n*\Z")


class Block(NamedTuple):
    """A fenced block: its language, its text and its first line."""

    language: str
    text: str
    line: int
    file: str | None
    """The file that the text belongs to: the last name in code of a paragraph that ends with a colon."""
    not_run: str | None
    """The reason why it can't run here, from a comment above it: `<!-- not run: … -->`."""


def blocks(page: Path) -> list[Block]:
    """Returns all blocks of a page in order."""
    return list(_blocks(page.read_text()))


def _blocks(text: str) -> Iterator[Block]:
    paragraph, reason, opened = "", None, None
    lines: list[str] = []
    for number, line in enumerate(text.splitlines(), 1):
        if opened is not None:
            if line == "```":
                file = _FILE.search(paragraph)
                yield Block(opened[0], "".join(f"{each}\n" for each in lines), opened[1], file and file["name"], reason)
                paragraph, reason, opened, lines = "", None, None, []
            else:
                lines.append(line)
        elif line.startswith("```"):
            opened = line[3:], number
        elif found := _NOT_RUN.fullmatch(line):
            reason = found[1]
        elif line:
            paragraph = f"{paragraph}\n{line}" if not paragraph.endswith("\n") else line
        elif paragraph and not paragraph.endswith("\n"):
            paragraph += "\n"


def named(page: Path) -> str:
    return str(page.relative_to(ROOT))
