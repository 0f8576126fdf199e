"""Batches of files: from a pattern or a manifest to the members of a batch. Its functions block: for a thread."""

import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from offload.digests.algorithms import Algorithm
from offload.digests.manifests import Entry, TooManyLinesError, read_manifest
from offload.digests.patterns import Pattern
from offload.digests.reports import DOTTED, ToVerify
from offload.digests.task import LONGEST_PATH, FileDigest, cost, examine, source_of
from offload.digests.walk import find_files
from offload.errors import InvalidParametersError, ProblemError
from offload.jobs.acceptance.admission import Submission
from offload.jobs.batches import MOST_MEMBERS
from offload.options import SubmitOptions
from offload.tasks.context import Places
from offload.tasks.definition import Examined, Task

MOST_TOLD = 100
"""Lines that can't be read of which a report names the number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Members:
    """The members of a batch, and what is known of each of them without examining it."""

    submissions: Sequence[Submission]
    examined: Sequence[Examined]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Who wants the batch, and with which options for each member."""

    task: Task
    """`file-digest`."""
    options: SubmitOptions
    owner: str | None

    def member(self, params: FileDigest) -> Submission:
        """A member that digests this file."""
        return Submission(task=self.task, params=params, options=self.options, owner=self.owner)


def matching(wanted: Wanted, root: Path, pattern: Pattern, algorithms: Sequence[Algorithm]) -> Members:
    """A member for each file that matches, and for each directory that can't be read, which then fails.

    Raises `ProblemError` as `find_files` does, and where a path is too long for a job.
    """
    submissions, examined = [], []
    for path, size in find_files(root, pattern, MOST_MEMBERS):
        if len(os.fsencode(path)) > LONGEST_PATH:
            msg = f"A path that the pattern matches has more than {LONGEST_PATH} bytes, beginning with {path[:100]!r}"
            raise InvalidParametersError(f"{msg}.", errors=[{"loc": ["body", "pattern"], "msg": msg}])
        params = FileDigest.model_validate({**source_of(path), "algorithms": algorithms})
        submissions.append(wanted.member(params))
        examined.append(Examined(cost=cost(size, params)))
    return Members(submissions=submissions, examined=examined)


def verifying(wanted: Wanted, places: Places, body: bytes, algorithm: Algorithm | None) -> tuple[Members, ToVerify]:
    """A member for each line of a manifest. Raises `InvalidParametersError` where there is none, or too many.

    What is wrong with a file is for its member to find; it is looked at here only for its size.
    """
    try:
        manifest = read_manifest(body, algorithm, most=MOST_MEMBERS)
    except TooManyLinesError:
        raise _wrong(f"The manifest has more than {MOST_MEMBERS} lines. Send it in parts") from None
    entries = [entry for entry in manifest.entries if len(entry.name) <= LONGEST_PATH]
    if not entries:
        raise _wrong(
            "There are no properly formatted checksum lines in the body. Send the manifest as it is; with curl, "
            "--data-binary @SHA256SUMS, since -d takes the line ends out"
        )
    paths = [_plain(entry.name) for entry in entries]
    dotted = 2 * sum(entry.name.startswith(DOTTED) for entry in entries) > len(entries)
    names = {
        place: entry.name
        for place, (entry, path) in enumerate(zip(entries, paths, strict=True))
        if entry.name != (DOTTED + path if dotted else path)
    }
    submissions: list[Submission] = []
    examined: list[Examined] = []
    for entry, path in zip(entries, paths, strict=True):
        params = _verification(entry, path)
        submissions.append(wanted.member(params))
        examined.append(_looked_at(params, places))
    improper = len(manifest.improper) + len(manifest.entries) - len(entries)
    return (
        Members(submissions=submissions, examined=examined),
        ToVerify(improper=improper, improper_lines=manifest.improper[:MOST_TOLD], dotted=dotted, names=names),
    )


def _verification(entry: Entry, path: bytes) -> FileDigest:
    expected = {entry.algorithm: entry.digest}
    return FileDigest.model_validate(
        {**source_of(os.fsdecode(path)), "algorithms": [entry.algorithm], "expected": expected}
    )


def _looked_at(params: FileDigest, places: Places) -> Examined:
    with suppress(ProblemError, OSError):
        return examine(params, places)
    return Examined()


def _plain(name: bytes) -> bytes:
    """A path in its plainest form, without `.` and doubled slashes. What would not be one stays as it is."""
    parts = name.split(b"/")
    plain = b"/".join(part for part in parts if part not in {b"", b"."})
    return plain if plain and parts[0] and parts[-1] not in {b"", b"."} else name


def _wrong(msg: str) -> InvalidParametersError:
    return InvalidParametersError(f"{msg}.", errors=[{"loc": ["body"], "msg": msg}])
