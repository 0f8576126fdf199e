"""Directories in unusual states."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LONG_NAME = "\udcff" * 250
"""Almost the longest name, and not UTF-8."""


@contextmanager
def taken_away(directory: Path) -> Iterator[None]:
    """While entered, a file is in place of the directory, so that not even root can use the directory."""
    aside = directory.with_name("aside")
    directory.rename(aside)
    directory.touch()
    try:
        yield
    finally:
        directory.unlink()
        aside.rename(directory)


def deep_file(root: Path, depth: int) -> str:
    """Makes a file `depth` directories down, each a `LONG_NAME`. Returns its path, perhaps too long to open."""
    at = os.open(root, os.O_RDONLY)
    for _ in range(depth):
        os.mkdir(LONG_NAME, dir_fd=at)
        below = os.open(LONG_NAME, os.O_RDONLY, dir_fd=at)
        os.close(at)
        at = below
    os.close(os.open("file", os.O_CREAT | os.O_WRONLY, dir_fd=at))
    os.close(at)
    return f"{LONG_NAME}/" * depth + "file"
