"""Judges regular expressions: whether their time is linear for any text. Ambiguous repeats are what makes it worse.

Two rules suffice. First, a repeat without a limit is possessive: it never gives back what it has matched, so each
attempt from one position reads a character a fixed number of times. Second, where a pattern is
tried again after it failed, at the next position of a search or in the next round of a repeat, it can't fail after such
a repeat: otherwise each try could read the whole text.
"""

import re
from collections.abc import Iterator, Sequence
from importlib import import_module
from typing import Any, TypeAlias

LIMIT = 1000
"""A repeat up to this number counts as limited, unless it is in another."""

_PARSER: Any = import_module("re._parser")  # the standard library has no public way to read a pattern
_ANY_NUMBER = _PARSER.MAXREPEAT

Item: TypeAlias = tuple[Any, Any]  # an operation of `re._constants`, and its argument

_REPEATS = {"MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"}
_PLAIN = {"LITERAL", "NOT_LITERAL", "ANY", "IN", "AT", "RANGE", "CATEGORY"}


def faults_of(pattern: str | bytes, flags: int = 0, *, searched: bool) -> list[str]:
    """Returns why a pattern may take more than linear time; nothing where it does not."""
    items = _PARSER.parse(pattern, flags & ~re.DEBUG)
    return [*_given_back(items, most=1), *(_rescanned(items) if searched else [])]


def _given_back(items: Sequence[Item], *, most: int) -> Iterator[str]:
    """Yields the repeats that may give back what they matched. `most` is how often `items` are repeated at most."""
    for operation, argument in items:
        name = str(operation)
        if name in _REPEATS:
            _, limit, body = argument
            kept = name == "POSSESSIVE_REPEAT"
            number = most * (LIMIT + 1 if limit == _ANY_NUMBER else max(1, int(limit)))
            if number > LIMIT and not kept:
                yield f"a repeat that is not possessive: {body!r}"
            yield from _given_back(body, most=most if kept else number)
            if limit == _ANY_NUMBER:
                yield from _rescanned(body)
        else:
            for part in _parts(name, argument):
                yield from _given_back(part, most=most)


def _rescanned(items: Sequence[Item]) -> Iterator[str]:
    """Yields what may fail after a repeat without a limit."""
    scanned = False
    for operation, argument in items:
        if scanned and not _can_be_empty([(operation, argument)]):
            yield f"{operation} may fail after a repeat without a limit"
        name = str(operation)
        parts = [argument[2]] if name in _REPEATS else _parts(name, argument)
        for part in parts:
            yield from _rescanned(part)
        scanned = scanned or _is_unlimited([(operation, argument)])


def _parts(name: str, argument: Any) -> list[Sequence[Item]]:  # Any: each operation has another type
    match name:
        case "SUBPATTERN":
            return [argument[3]]
        case "ATOMIC_GROUP":
            return [argument]
        case "BRANCH":
            return list(argument[1])
        case _ if name in _PLAIN:
            return []
    raise NotImplementedError(f"{name}: say here what it repeats")


def _is_unlimited(items: Sequence[Item]) -> bool:
    return any(
        (name in _REPEATS and (argument[1] == _ANY_NUMBER or _is_unlimited(argument[2])))
        or (name not in _REPEATS and any(map(_is_unlimited, _parts(name, argument))))
        for name, argument in ((str(operation), argument) for operation, argument in items)
    )


def _can_be_empty(items: Sequence[Item]) -> bool:
    """True where the items match the empty text at any place, so they can't fail."""
    for operation, argument in items:
        name = str(operation)
        if name in _REPEATS:
            empty = argument[0] == 0 or _can_be_empty(argument[2])
        elif name == "BRANCH":
            empty = any(map(_can_be_empty, argument[1]))
        else:
            empty = name not in _PLAIN and all(map(_can_be_empty, _parts(name, argument)))
        if not empty:
            return False
    return True
