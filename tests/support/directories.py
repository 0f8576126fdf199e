"""Directories in states that are hard to come by."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LONG_NAME = "\udcff" * 250
"""About as long as a name may be, and not UTF-8."""


@contextmanager
def taken_away(directory: Path) -> Iterator[None]:
    """While entered, there is a file where the directory was: not even root can make, read or remove anything in it."""
    aside = directory.with_name("aside")
    directory.rename(aside)
    directory.touch()
    try:
        yield
    finally:
        directory.unlink()
        aside.rename(directory)


def deep_file(root: Path, depth: int) -> str:
    """Makes a file so many directories down, each a `LONG_NAME`: its path, which the system may not take at once."""
    at = os.open(root, os.O_RDONLY)
    for _ in range(depth):
        os.mkdir(LONG_NAME, dir_fd=at)
        below = os.open(LONG_NAME, os.O_RDONLY, dir_fd=at)
        os.close(at)
        at = below
    os.close(os.open("file", os.O_CREAT | os.O_WRONLY, dir_fd=at))
    os.close(at)
    return f"{LONG_NAME}/" * depth + "file"
