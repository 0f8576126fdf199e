"""Patterns of file names, as `glob.glob(…, recursive=True)` reads them: `photos/**/*.jpg`.

`*`, `?` and `[a-z]` match within one name; `**`, as a whole component, matches any number of directories, none
included. A name that begins with a dot is matched only by a component that begins with a dot.
"""

import fnmatch
import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

from offload.digests.opening import path_components
from offload.errors import PathRefusedError

ANY_DEPTH = "**"

States = frozenset[int]
"""The components that may match next: the states of an automaton that reads a path one name at a time.

So the cost for each name is at most the number of components, however many ways there are to match `**`.
"""


@dataclass(frozen=True, slots=True)
class Component:
    """The part of a pattern between two slashes."""

    text: str
    regex: re.Pattern[str]

    def matches(self, name: str) -> bool:
        hidden = name.startswith(".") and not self.text.startswith(".")
        return not hidden and self.regex.match(name) is not None


@dataclass(frozen=True, slots=True)
class Pattern:
    """A compiled pattern."""

    components: tuple[Component, ...]

    @property
    def start(self) -> States:
        """The states in the root directory of the pattern."""
        return self._reached([0])

    def enter(self, states: States, directory: str) -> States:
        """Return the states inside a directory of this name; empty if nothing in it can match."""
        return self._reached(self._after(states, directory))

    def accepts(self, states: States, file: str) -> bool:
        """Return True if a file of this name matches."""
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
    """Compile a pattern. Raises `PathRefusedError` as `path_components` does, and if it is invalid."""
    names = path_components(text, "pattern")
    names = names[:1] + [name for before, name in pairwise(names) if not before == name == ANY_DEPTH]
    try:
        return Pattern(tuple(Component(name, re.compile(fnmatch.translate(_closed(name)))) for name in names))
    except (re.error, RecursionError, OverflowError):
        msg = "The pattern can't be read; `*`, `?`, `[a-z]` and `**` have a meaning in it"
        raise PathRefusedError(f"{msg}.", errors=[{"loc": ["body", "pattern"], "msg": msg}]) from None


def _closed(name: str) -> str:
    """Escapes each `[` that no `]` follows: `fnmatch` searches the rest of the name for each, 0.9 s for 4096."""
    before, bracket, after = name.rpartition("]")
    return before + bracket + after.replace("[", "[[]")
