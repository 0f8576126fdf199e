"""What `sha256sum` and its kin would print: the words of `-c`, and of a file that can't be read."""

import os
from collections import Counter
from typing import Literal

from offload.digests.manifests import escaped

Finding = Literal["OK", "FAILED", "FAILED open or read"]


def finding_line(name: bytes, found: Finding) -> bytes:
    """A line of `--check`. Only a name with a newline is escaped: as coreutils does, to keep one line a file."""
    begin, safe = escaped(name) if b"\n" in name else (b"", name)
    return b"%s%s: %s\n" % (begin, safe, found.encode())


def stdin_line(digest: str, tag: bytes | None, *, zero: bool) -> bytes:
    """The line of what came by stdin, whose name is `-`."""
    line = f"{digest}  -".encode() if tag is None else b"%s (-) = %s" % (tag, digest.encode())
    return line + (b"\0" if zero else b"\n")


def quoted(name: bytes) -> str:
    """A file's name for a message."""
    text = os.fsdecode(name)
    return text if text and text.isprintable() and " " not in text else repr(text)


def warnings(found: Counter[Finding], improper: int) -> list[str]:
    """What `--check` says at its end, as coreutils counts and words it."""
    counts = (
        (improper, "line is improperly formatted", "lines are improperly formatted"),
        (found["FAILED open or read"], "listed file could not be read", "listed files could not be read"),
        (found["FAILED"], "computed checksum did NOT match", "computed checksums did NOT match"),
    )
    return [f"WARNING: {count} {one if count == 1 else many}" for count, one, many in counts if count]
