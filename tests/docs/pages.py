"""Pages of the documentation, and the fenced blocks in them."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "SECURITY.md", *sorted((ROOT / "docs").glob("*.md"))]
"""Those that a user reads. Decisions have no examples."""

_BLOCK = re.compile(
    r"(?P<before>(?:^.+\n)*)\n?(?:^<!-- not run: (?P<reason>.+) -->\n)?^```(?P<language>\w*)\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
_FILE = re.compile(r"`(?P<name>[\w./-]+\.\w+)`[^`]*:\n*\Z")


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
    for found in _BLOCK.finditer(text):
        file = _FILE.search(found["before"])
        line = text.count("\n", 0, found.start("text"))
        yield Block(found["language"], found["text"], line, file and file["name"], found["reason"])


def named(page: Path) -> str:
    return str(page.relative_to(ROOT))
