"""The regular files below a directory that match a pattern.

Each directory is opened from the root on with `dir_fd` and O_NOFOLLOW, as in `opening`, so that no link leads out, even
one that is created meanwhile. At most two descriptors are open, whatever the depth.
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
"""The most names that one walk reads: about two seconds."""

FREE_STEPS = 4
"""This many steps cost as much as one name: directories on the path, and components that a name is compared with."""

_VANISHED = {errno.ENOENT, errno.ENOTDIR, errno.ELOOP}
_EXHAUSTED = {errno.EMFILE, errno.ENFILE, errno.ENOMEM}


class Found(NamedTuple):
    """A file that matches, or a directory whose content could not be read."""

    path: str
    """Relative to the root, as by `os.fsdecode`: bytes that are not UTF-8 are lone surrogates."""
    size: int
    """In bytes; 0 if unknown."""


class _Directory(NamedTuple):
    names: tuple[str, ...]
    states: States


def find_files(root: Path, pattern: Pattern, most: int) -> Sequence[Found]:
    """Return what matches below `root`, in the order of the paths' bytes. Blocks: call it in a thread.

    Links and files that are not regular are skipped. Raises `FileNotFoundProblemError` if nothing matches,
    `InvalidParametersError` if more than `most` files match, and `TooExpensiveError` beyond `MOST_NAMES`.
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
    names_read = 0
    while waiting:
        here = waiting.pop()
        try:
            with _opened(root, here.names) as descriptor, os.scandir(descriptor) as entries:
                names_read += len(here.names) // FREE_STEPS
                for entry in entries:
                    names_read += 1 + len(here.states) // FREE_STEPS
                    if names_read > MOST_NAMES:
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
    """Open a directory below `root` for listing. Raises `OSError`, also if a link is on the path."""
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
        f"More than {MOST_NAMES} names would have to be read. Begin the pattern with a folder.",
    )


def _at_pattern(kind: type[ProblemError], detail: str) -> ProblemError:
    return kind(detail, errors=[{"loc": ["body", "pattern"], "msg": detail}])
