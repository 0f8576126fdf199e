"""What a verifying batch has found, a line a file, in the words of `sha256sum -c`."""

import base64
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from offload.digests.manifests import escaped
from offload.jobs.model import FailureKind, Job, State

Finding = Literal["OK", "FAILED", "MISSING", "FAILED open or read", "CANCELLED"]

DOTTED = b"./"
"""What the names in a manifest made by `find` begin with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToVerify:
    """What a verifying batch has to remember of its manifest for the report, besides its members."""

    improper: int
    """How many lines could not be read."""
    improper_lines: Sequence[int]
    """The numbers of the first of them."""
    dotted: bool
    """Whether names began with `./`, which no member's path does."""
    names: Mapping[int, bytes]
    """By a member's place: its name in the manifest, where it is not the path, after the `./`."""

    def name(self, place: int, path: bytes) -> bytes:
        """A member's name as in the manifest."""
        return self.names.get(place) or (DOTTED + path if self.dotted else path)

    def dump(self) -> bytes:
        """As JSON."""
        names = {place: base64.b64encode(name).decode() for place, name in self.names.items()}
        return json.dumps([self.improper, self.improper_lines, self.dotted, names]).encode()


def to_verify(source: bytes) -> ToVerify:
    """What `ToVerify.dump` made JSON of."""
    improper, lines, dotted, names = json.loads(source)
    decoded = {int(place): base64.b64decode(name) for place, name in names.items()}
    return ToVerify(improper=improper, improper_lines=lines, dotted=dotted, names=decoded)


def finding(job: Job, verified: bool | None) -> Finding:
    """What became of a file; `verified` is what the result says, where there is one."""
    match job.state:
        case State.SUCCEEDED:
            return "OK" if verified else "FAILED"
        case State.CANCELLED:
            return "CANCELLED"
    missing = job.failure is not None and job.failure.kind is FailureKind.FILE_NOT_FOUND
    return "MISSING" if missing else "FAILED open or read"


def report_line(name: bytes, found: Finding) -> bytes:
    """A line of the report. Only a name with a newline is escaped: as coreutils does, to keep one line a file."""
    begin, safe = escaped(name) if b"\n" in name else (b"", name)
    return b"%s%s: %s\n" % (begin, safe, found.encode())


def report_end(manifest: ToVerify, found: Counter[Finding]) -> bytes:
    """The warnings that a report ends with."""
    return "".join(f"WARNING: {line}\n" for line in _warnings(manifest, found)).encode()


def _warnings(manifest: ToVerify, found: Counter[Finding]) -> Iterator[str]:
    for number in manifest.improper_lines:
        yield f"line {number}: improperly formatted checksum line"
    if count := manifest.improper:
        yield f"{count} line is improperly formatted" if count == 1 else f"{count} lines are improperly formatted"
    if count := found["MISSING"] + found["FAILED open or read"]:
        yield f"{count} listed file could not be read" if count == 1 else f"{count} listed files could not be read"
    if count := found["FAILED"]:
        yield f"{count} computed checksum did NOT match" if count == 1 else f"{count} computed checksums did NOT match"
    if count := found["CANCELLED"]:
        yield f"{count} listed file was not verified" if count == 1 else f"{count} listed files were not verified"
