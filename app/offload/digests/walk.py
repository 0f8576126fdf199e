"""The regular files below a directory that match a pattern.

Each directory is reached by `dir_fd` and O_NOFOLLOW from the root on, as in `files`, so that no link leads out, also
not one that is put there meanwhile. At most two descriptors are open, however deep it goes.
"""

import errno
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from offload.digests.patterns import Pattern, States
from offload.errors import FileNotFoundProblemError, InvalidParametersError, ProblemError, TooExpensiveError

MOST_NAMES = 1_000_000
"""How many names one walk looks at: about two seconds of them."""

FREE_STEPS = 4
"""Directories on the way to one, and places of the pattern that a name is compared with: so many cost as one name."""

_VANISHED = {errno.ENOENT, errno.ENOTDIR, errno.ELOOP}
_EXHAUSTED = {errno.EMFILE, errno.ENFILE, errno.ENOMEM}


class Found(NamedTuple):
    """A file that matches, or a directory that could not be read, so that nobody knows what is in it."""

    path: str
    """Relative to the root, as `os.fsdecode` tells it: bytes that are not UTF-8 are lone surrogates."""
    size: int
    """In bytes, as it was; 0 where that could not be told."""


class _Directory(NamedTuple):
    names: tuple[str, ...]
    states: States


def find_files(root: Path, pattern: Pattern, most: int) -> Sequence[Found]:
    """What matches below `root`, in the order of the paths' bytes. Blocks: for a thread.

    Links and what is no regular file are passed over. Raises `FileNotFoundProblemError` where nothing matches,
    `InvalidParametersError` where more than `most` files do, and `TooExpensiveError` beyond `MOST_NAMES`.
    """
    found: list[Found] = []
    count = 0
    for one in _walk(root, pattern):
        count += 1
        if count <= most:
            found.append(one)
    if count > most:
        raise _at_pattern(
            InvalidParametersError, f"The pattern matches {count} files, and one batch takes {most}. Narrow it."
        )
    if not found:
        raise _at_pattern(FileNotFoundProblemError, "No file below the files directory matches the pattern.")
    return sorted(found, key=lambda one: os.fsencode(one.path))


def _walk(root: Path, pattern: Pattern) -> Iterator[Found]:
    waiting = [_Directory((), pattern.start)]
    looked_at = 0
    while waiting:
        here = waiting.pop()
        try:
            with _opened(root, here.names) as descriptor, os.scandir(descriptor) as entries:
                looked_at += len(here.names) // FREE_STEPS
                for entry in entries:
                    looked_at += 1 + len(here.states) // FREE_STEPS
                    if looked_at > MOST_NAMES:
                        raise _too_many_names()
                    names = (*here.names, entry.name)
                    if entry.is_dir(follow_symlinks=False):
                        if states := pattern.enter(here.states, entry.name):
                            waiting.append(_Directory(names, states))
                    elif pattern.accepts(here.states, entry.name) and entry.is_file(follow_symlinks=False):
                        yield Found("/".join(names), _size(entry))
        except OSError as error:
            if error.errno in _EXHAUSTED:
                raise
            if error.errno not in _VANISHED:
                yield Found("/".join(here.names) or ".", 0)


@contextmanager
def _opened(root: Path, names: Sequence[str]) -> Iterator[int]:
    """A descriptor of a directory below `root`, to be listed. Raises `OSError`, also where a link is on the way."""
    at = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for depth, name in enumerate(names, start=1):
            how = os.O_RDONLY if depth == len(names) else os.O_PATH
            below = os.open(name, how | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=at)
            os.close(at)
            at = below
        yield at
    finally:
        os.close(at)


def _size(entry: os.DirEntry[str]) -> int:
    try:
        return entry.stat(follow_symlinks=False).st_size
    except OSError:
        return 0


def _too_many_names() -> ProblemError:
    return _at_pattern(
        TooExpensiveError,
        f"More than {MOST_NAMES} names would have to be looked at. Begin the pattern with a folder.",
    )


def _at_pattern(kind: type[ProblemError], detail: str) -> ProblemError:
    return kind(detail, errors=[{"loc": ["body", "pattern"], "msg": detail}])
