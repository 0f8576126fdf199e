"""Patterns of file names, as `glob.glob(…, recursive=True)` reads them: `photos/**/*.jpg`.

`*`, `?` and `[a-z]` match within one name; `**`, as a whole component, matches any number of directories, none
included. What begins with a dot is matched only by a component that begins with one.
"""

import fnmatch
import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

from offload.digests.opening import components
from offload.errors import PathRefusedError

ANY_DEPTH = "**"

States = frozenset[int]
"""Which components may be the next to match: the states of an automaton that reads a path a name at a time.

So a pattern costs as much as it has components for each name, however its `**` could be divided among directories.
"""


@dataclass(frozen=True, slots=True)
class Component:
    """A part of a pattern between slashes."""

    text: str
    regex: re.Pattern[str]

    def matches(self, name: str) -> bool:
        hidden = name.startswith(".") and not self.text.startswith(".")
        return not hidden and self.regex.match(name) is not None


@dataclass(frozen=True, slots=True)
class Pattern:
    """What `compile_pattern` makes."""

    components: tuple[Component, ...]

    @property
    def start(self) -> States:
        """The states in the directory that the pattern is relative to."""
        return self._reached([0])

    def enter(self, states: States, directory: str) -> States:
        """The states inside a directory of this name; empty where nothing in it can match."""
        return self._reached(self._after(states, directory))

    def accepts(self, states: States, file: str) -> bool:
        """Whether a file of this name matches."""
        last = len(self.components) - 1
        return last in states and self.components[last].matches(file)

    def _after(self, states: States, name: str) -> Iterable[int]:
        for state in states:
            component = self.components[state]
            if component.matches(name):
                yield state if component.text == ANY_DEPTH else state + 1

    def _reached(self, states: Iterable[int]) -> States:
        reached = set()
        for state in states:
            at = state
            while at < len(self.components):
                reached.add(at)
                if self.components[at].text != ANY_DEPTH:
                    break
                at += 1
        return frozenset(reached)


def compile_pattern(text: str) -> Pattern:
    """Reads a pattern. Raises `PathRefusedError` where it is absolute or not in its plainest form."""
    names = components(text, "pattern")
    names = names[:1] + [name for before, name in pairwise(names) if not before == name == ANY_DEPTH]
    try:
        return Pattern(tuple(Component(name, re.compile(fnmatch.translate(name))) for name in names))
    except (re.error, RecursionError, OverflowError):
        msg = "The pattern can't be read; `*`, `?`, `[a-z]` and `**` have a meaning in it"
        raise PathRefusedError(f"{msg}.", errors=[{"loc": ["body", "pattern"], "msg": msg}]) from None
