"""Lines as `sha256sum` prints them: results of `-c`, stdin, and warnings."""

import os
from collections import Counter
from typing import Literal

from offload.digests.manifests import escaped

Finding = Literal["OK", "FAILED", "FAILED open or read"]


def finding_line(name: bytes, found: Finding) -> bytes:
    """Returns a line of `--check`. As in coreutils, only names with a newline are escaped: one line per file."""
    begin, safe = escaped(name) if b"\n" in name else (b"", name)
    return b"%s%s: %s\n" % (begin, safe, found.encode())


def stdin_line(digest: str, tag: bytes | None, *, zero: bool) -> bytes:
    """Returns the line for stdin, whose name is `-`."""
    line = f"{digest}  -".encode() if tag is None else b"%s (-) = %s" % (tag, digest.encode())
    return line + (b"\0" if zero else b"\n")


def quoted(name: bytes) -> str:
    """Returns a file's name for a message."""
    text = os.fsdecode(name)
    return text if text and text.isprintable() and " " not in text else repr(text)


def warnings(found: Counter[Finding], improper: int) -> list[str]:
    """Returns the warnings at the end of `--check`, worded as in coreutils."""
    counts = (
        (improper, "line is improperly formatted", "lines are improperly formatted"),
        (found["FAILED open or read"], "listed file could not be read", "listed files could not be read"),
        (found["FAILED"], "computed checksum did NOT match", "computed checksums did NOT match"),
    )
    return [f"WARNING: {count} {one if count == 1 else many}" for count, one, many in counts if count]
