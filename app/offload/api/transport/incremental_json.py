"""JSON that is read value by value, so that nobody has to wait until a large text is read as a whole."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from offload.tasks.strict_json import DECODER

_BLANK = re.compile(r"[ \t\n\r]*")

_BRACKET = re.compile(r'[\[\]{}]|"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
"""A bracket, or text that may have some in it. Text without an end is matched too: else it would be tried again from
each quote in it, in time that grows with its square."""


@dataclass(slots=True)
class JsonText:
    """A place in JSON text. Each step raises ValueError or RecursionError where the text is not what it needs."""

    text: str
    at: int = 0

    def begins_with(self, bracket: str) -> bool:
        """Steps over blanks; tells whether an object or array is next."""
        self._blanks()
        return self.text.startswith(bracket, self.at)

    def at_end(self) -> bool:
        """Steps over blanks; tells whether nothing else is left."""
        self._blanks()
        return self.at == len(self.text)

    def accept(self, character: str) -> bool:
        """Steps over blanks, and over the character if it is next; tells whether it is."""
        self._blanks()
        found = self.text.startswith(character, self.at)
        self.at += found
        return found

    def expect(self, character: str) -> None:
        """Steps over blanks and the character."""
        if not self.accept(character):
            raise ValueError(f"Invalid JSON: {character!r} is missing at character {self.at}")

    def value(self) -> Any:  # whatever JSON has
        """Steps over a value."""
        self._blanks()
        value, self.at = DECODER.raw_decode(self.text, self.at)
        return value

    def raw(self) -> str:
        """Steps over a value; answers its text."""
        self._blanks()
        begin = self.at
        self.value()
        return self.text[begin : self.at]

    def _blanks(self) -> None:
        self.at = _BLANK.match(self.text, self.at).end()  # type: ignore[union-attr]  # matches anything

    def ends_within(self, most: int) -> bool:
        """Whether the array or object that is next has at most so many characters, as far as brackets tell."""
        depth = 0
        for token in _BRACKET.finditer(self.text, self.at, self.at + most):
            depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(token[0], 0)
            if depth <= 0:
                return True
        return len(self.text) - self.at <= most

    def names(self) -> Iterator[str]:
        """The names of an object. The value of each is to be stepped over before the next is asked for."""
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
        """The places of an array's items. Each item is to be stepped over before the next is asked for."""
        self.expect("[")
        place = 0
        while not self.accept("]"):
            if place:
                self.expect(",")
            yield place
            place += 1
