"""Texts that are hard for a parser: a beginning, a unit that is repeated, and an end that makes all of it wrong."""

from collections.abc import Iterator
from typing import NamedTuple


class Repeat(NamedTuple):
    """A text of any length."""

    prefix: str
    unit: str
    suffix: str

    def text(self, number: int) -> str:
        """Returns the text with so many units."""
        return self.prefix + self.unit * number + self.suffix


UNITS = [
    *" \t,;=:*-/.[]{}()%&?'\"\\0a~#@",
    '\\"',
    '""',
    '" ',
    "a=",
    "a,",
    "a;",
    "; ",
    " ;",
    ', "',
    ';a="',
    '";a="',
    ";a=b",
    "*=",
    "a*0*=",
    "%22",
    "%",
    "&a=",
    "a=b&",
    "1-",
    "-1,",
    "1-2,",
    "q=0,",
    ";q=0.",
    "**/",
    "*a",
    "[!a",
    "[]",
    '{"a":',
    '"a",',
    ") = ",
    ")=0",
    "\\n",
    "\n",
    "\r\n",
    "\r\n--b",
    "1.",
    "1e",
    "é",
]
SUFFIXES = ["", "x"]


def repeats(*prefixes: str) -> Iterator[Repeat]:
    """Yields each unit after each prefix. The prefixes lead a parser to the places where it repeats something."""
    for prefix in ("", *prefixes):
        for unit in UNITS:
            for suffix in SUFFIXES:
                yield Repeat(prefix, unit, suffix)
