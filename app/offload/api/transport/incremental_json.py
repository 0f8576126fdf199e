"""Parses JSON value by value, so that a large text does not block the event loop."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from offload.tasks.strict_json import DECODER

_BLANK = re.compile(r"[ \t\n\r]*+")

_BRACKET = re.compile(r'[\[\]{}]|"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
"""A bracket, or a string, which may contain brackets. A string without an end matches, too: otherwise it would be tried
again from each quote in it, which takes quadratic time."""


@dataclass(slots=True)
class JsonText:
    """A position in JSON text. Each method raises ValueError or RecursionError where the text does not match."""

    text: str
    at: int = 0

    def begins_with(self, bracket: str) -> bool:
        """Skips blanks. Returns True where this bracket is next."""
        self._blanks()
        return self.text.startswith(bracket, self.at)

    def at_end(self) -> bool:
        """Skips blanks. Returns True at the end of the text."""
        self._blanks()
        return self.at == len(self.text)

    def accept(self, character: str) -> bool:
        """Skips blanks, and the character if it is next. Returns True if it was."""
        self._blanks()
        found = self.text.startswith(character, self.at)
        self.at += found
        return found

    def expect(self, character: str) -> None:
        """Skips blanks and the character."""
        if not self.accept(character):
            raise ValueError(f"Invalid JSON: {character!r} is missing at character {self.at}")

    def value(self) -> Any:  # any JSON value
        """Parses the next value."""
        self._blanks()
        value, self.at = DECODER.raw_decode(self.text, self.at)
        return value

    def raw(self) -> str:
        """Skips the next value and returns its text."""
        self._blanks()
        begin = self.at
        self.value()
        return self.text[begin : self.at]

    def _blanks(self) -> None:
        self.at = _BLANK.match(self.text, self.at).end()  # type: ignore[union-attr]  # matches anything

    def ends_within(self, most: int) -> bool:
        """Returns True where the next array or object has at most `most` characters, judging by its brackets."""
        depth = 0
        for token in _BRACKET.finditer(self.text, self.at, self.at + most):
            depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(token[0], 0)
            if depth <= 0:
                return True
        return len(self.text) - self.at <= most

    def names(self) -> Iterator[str]:
        """Yields the names of an object. Read or skip each value before the next name."""
        self.expect("{")
        found: set[str] = set()
        while not self.accept("}"):
            if found:
                self.expect(",")
            if not self.accept('"'):
                raise ValueError(f"Invalid JSON: a name is missing at character {self.at}")
            self.at -= 1
            name = self.value()
            if name in found:
                raise ValueError(f"Each name may be given once; {name[:100]!r} is given twice")
            found.add(name)
            self.expect(":")
            yield name

    def items(self) -> Iterator[int]:
        """Yields the index of each item of an array. Read or skip each item before the next index."""
        self.expect("[")
        place = 0
        while not self.accept("]"):
            if place:
                self.expect(",")
            yield place
            place += 1
