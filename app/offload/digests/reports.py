"""The report of a verifying batch: a line for each file, in the words of `sha256sum -c`."""

import base64
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from offload.digests.manifests import escaped
from offload.jobs.model import FailureKind, Job, State

Finding = Literal["OK", "FAILED", "MISSING", "FAILED open or read", "CANCELLED"]

DOT_SLASH = b"./"
"""The beginning of names in a manifest that was made with `find`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportSource:
    """What the report needs of the manifest besides the members of the batch. It is stored in `Batch.source`."""

    improper: int
    """The number of lines that could not be read."""
    improper_lines: Sequence[int]
    """The numbers of the first of them."""
    dotted: bool
    """True if most names began with `./`. The path of a member never does."""
    names: Mapping[int, bytes]
    """By the place of a member: its name in the manifest, if that is not the path (after `./`, if `dotted`)."""

    def name(self, place: int, path: bytes) -> bytes:
        """Return the name of a member as in the manifest."""
        return self.names.get(place) or (DOT_SLASH + path if self.dotted else path)

    def dump(self) -> bytes:
        """Return this as JSON."""
        names = {place: base64.b64encode(name).decode() for place, name in self.names.items()}
        return json.dumps([self.improper, self.improper_lines, self.dotted, names]).encode()


def load_report_source(source: bytes) -> ReportSource:
    """Read what `ReportSource.dump` wrote."""
    improper, lines, dotted, names = json.loads(source)
    decoded = {int(place): base64.b64decode(name) for place, name in names.items()}
    return ReportSource(improper=improper, improper_lines=lines, dotted=dotted, names=decoded)


def finding(job: Job, verified: bool | None) -> Finding:
    """Return what became of a file. `verified` is the value in the result, if there is one."""
    match job.state:
        case State.SUCCEEDED:
            return "OK" if verified else "FAILED"
        case State.CANCELLED:
            return "CANCELLED"
    missing = job.failure is not None and job.failure.kind is FailureKind.FILE_NOT_FOUND
    return "MISSING" if missing else "FAILED open or read"


def report_line(name: bytes, found: Finding) -> bytes:
    """Return a line of the report. Only a name with a newline is escaped, as in coreutils: one line per file."""
    begin, safe = escaped(name) if b"\n" in name else (b"", name)
    return b"%s%s: %s\n" % (begin, safe, found.encode())


def report_end(manifest: ReportSource, found: Counter[Finding]) -> bytes:
    """Return the warnings at the end of a report."""
    return "".join(f"WARNING: {line}\n" for line in _warnings(manifest, found)).encode()


def _warnings(manifest: ReportSource, found: Counter[Finding]) -> Iterator[str]:
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
