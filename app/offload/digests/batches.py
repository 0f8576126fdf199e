"""From a pattern of file names, or from a manifest, to the members of a batch. They block: call them in a thread."""

import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from offload.digests.algorithms import Algorithm
from offload.digests.manifests import Entry, TooManyLinesError, read_manifest
from offload.digests.patterns import Pattern
from offload.digests.reports import DOT_SLASH, ReportSource
from offload.digests.task import LONGEST_PATH, FileDigest, cost, examine, source_of
from offload.digests.walk import find_files
from offload.errors import InvalidParametersError, ProblemError
from offload.jobs.acceptance.batches import MOST_MEMBERS, Members
from offload.jobs.acceptance.submission import Submission
from offload.options import SubmitOptions
from offload.tasks.context import Places
from offload.tasks.definition import Examined, Task

MAX_LINE_NUMBERS = 100
"""The most numbers of improper lines that a report lists."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberTemplate:
    """What all members of a batch share."""

    task: Task
    """`file-digest`."""
    options: SubmitOptions
    owner: str | None

    def member(self, params: FileDigest) -> Submission:
        """Return a member with these parameters."""
        text = params.model_dump_json(exclude_unset=True).encode()
        return Submission(task=self.task, params=text, values=params, options=self.options, owner=self.owner)


def find_members(template: MemberTemplate, root: Path, pattern: Pattern, algorithms: Sequence[Algorithm]) -> Members:
    """Return a member for each file that matches, and one that fails for each directory that can't be read.

    Raises what `find_files` raises, and `InvalidParametersError` if a path is too long for a job.
    """
    submissions, findings = [], []
    for path, size in find_files(root, pattern, MOST_MEMBERS):
        if len(os.fsencode(path)) > LONGEST_PATH:
            msg = f"A path that the pattern matches has more than {LONGEST_PATH} bytes, beginning with {path[:100]!r}"
            raise InvalidParametersError(f"{msg}.", errors=[{"loc": ["body", "pattern"], "msg": msg}])
        params = FileDigest.model_validate({**source_of(path), "algorithms": algorithms})
        submissions.append(template.member(params))
        findings.append(Examined(cost=cost(size, params)))
    return Members(submissions=submissions, findings=findings)


def read_members(template: MemberTemplate, places: Places, body: bytes, algorithm: Algorithm | None) -> Members:
    """Return a member for each line of a manifest. Raises `InvalidParametersError` if there are none or too many.

    Files are examined only for their cost. A missing or unreadable file is a member that fails.
    """
    try:
        manifest = read_manifest(body, algorithm, most=MOST_MEMBERS)
    except TooManyLinesError:
        raise _wrong(f"The manifest has more than {MOST_MEMBERS} lines. Send it in parts") from None
    entries = [entry for entry in manifest.entries if len(entry.name) <= LONGEST_PATH]
    if not entries:
        raise _wrong(
            "There are no properly formatted checksum lines in the body. Send the manifest as it is; with curl, "
            "--data-binary @SHA256SUMS, because -d removes the line ends"
        )
    paths = [_plain(entry.name) for entry in entries]
    dotted = 2 * sum(entry.name.startswith(DOT_SLASH) for entry in entries) > len(entries)
    names = {
        place: entry.name
        for place, (entry, path) in enumerate(zip(entries, paths, strict=True))
        if entry.name != (DOT_SLASH + path if dotted else path)
    }
    submissions: list[Submission] = []
    findings: list[Examined | None] = []
    for entry, path in zip(entries, paths, strict=True):
        params = _verification(entry, path)
        submissions.append(template.member(params))
        findings.append(_examine(params, places))
    improper = len(manifest.improper) + len(manifest.entries) - len(entries)
    report = ReportSource(
        improper=improper, improper_lines=manifest.improper[:MAX_LINE_NUMBERS], dotted=dotted, names=names
    )
    return Members(submissions=submissions, findings=findings, source=report.dump())


def _verification(entry: Entry, path: bytes) -> FileDigest:
    expected = {entry.algorithm: entry.digest}
    return FileDigest.model_validate(
        {**source_of(os.fsdecode(path)), "algorithms": [entry.algorithm], "expected": expected}
    )


def _examine(params: FileDigest, places: Places) -> Examined | None:
    with suppress(ProblemError, OSError):
        return examine(params, places)
    return None


def _plain(name: bytes) -> bytes:
    """Return a path without `.` and doubled slashes. A name that is no relative path is returned as it is."""
    parts = name.split(b"/")
    plain = b"/".join(part for part in parts if part not in {b"", b"."})
    return plain if plain and parts[0] and parts[-1] not in {b"", b"."} else name


def _wrong(msg: str) -> InvalidParametersError:
    return InvalidParametersError(f"{msg}.", errors=[{"loc": ["body"], "msg": msg}])
