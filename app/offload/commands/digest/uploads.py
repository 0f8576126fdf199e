"""Digests of local files: uploaded several at a time, digested as batches, deleted from the service afterwards."""

import os
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from offload.client import Client, Member, MemberResult, OffloadError, RefusedError
from offload.commands.terminal.output import escape
from offload.digests.algorithms import Algorithm

CONCURRENT_UPLOADS = 4
"""Concurrent uploads."""

GROUP_FILES = 500
GROUP_BYTES = 1 << 30
"""Limits for the uploads that are on the service's disk at the same time; a single file may be larger."""

TASK = "file-digest"

STDIN = b"-"

OnSent = Callable[[int], None]
"""Called with the number of bytes that were just sent, from several threads."""

FILE_ERRORS = frozenset({"body-too-large", "upload-too-slow"})
"""Kinds of problems that concern one file only: the next one may be accepted."""


@dataclass(frozen=True, slots=True)
class Source:
    """A file to digest."""

    name: bytes
    """The path; `-` is stdin."""
    algorithms: Sequence[Algorithm]

    @property
    def path(self) -> str:
        """The path as text."""
        return os.fsdecode(self.name)

    @property
    def is_file(self) -> bool:
        """True for a regular file. Reading anything else may block until another process writes."""
        return self.name != STDIN and Path(self.path).is_file()

    def size(self) -> int:
        """Returns the size in bytes; 0 where it is unknown before reading."""
        with suppress(OSError):
            return Path(self.path).stat().st_size if self.is_file else 0
        return 0


@dataclass(frozen=True, slots=True)
class Digested:
    """The outcome for one file: hex digests by algorithm, or an error."""

    source: Source
    digests: Mapping[str, str] | None
    error: str = ""


class _StoppedError(Exception):
    """The upload was abandoned because the command is ending."""


def groups(sources: Sequence[Source]) -> Iterator[Sequence[Source]]:
    """Yields the files in order, in groups that may be on the service's disk together."""
    group: list[Source] = []
    size = 0
    for source in sources:
        more = source.size()
        if group and (len(group) == GROUP_FILES or size + more > GROUP_BYTES):
            yield group
            group, size = [], 0
        group.append(source)
        size += more
    if group:
        yield group


def digested(offload: Client, group: Sequence[Source], on_sent: OnSent) -> Sequence[Digested]:
    """Returns the outcome for each file of a group. The uploads are deleted in any case."""
    with _uploaded(offload, group, on_sent) as uploads:
        found = _outcomes(offload, group, uploads.outcomes)
        uploads.ids.clear()  # deleted together with their batch
    return found


@contextmanager
def _uploaded(offload: Client, group: Sequence[Source], on_sent: OnSent) -> Iterator["_Uploads"]:
    """Uploads a group. The uploads that are in `ids` at the end are deleted."""
    uploads = _Uploads(offload, on_sent)
    try:
        with ThreadPoolExecutor(CONCURRENT_UPLOADS) as pool:
            try:
                uploading = [pool.submit(uploads.upload, each) if each.is_file else None for each in group]
                # A pipe is read in this thread: only the main thread can be interrupted by Ctrl-C while it blocks.
                uploads.outcomes = [
                    uploads.upload(each) if later is None else later.result()
                    for each, later in zip(group, uploading, strict=True)
                ]
            except BaseException:
                uploads.stop.set()
                pool.shutdown(wait=False, cancel_futures=True)
                raise
        yield uploads
    finally:
        for upload_id in uploads.ids:
            with suppress(OffloadError):  # then it expires
                offload.delete_upload(upload_id)


class _Uploads:
    """The uploads of a group, sent by several threads."""

    def __init__(self, offload: Client, on_sent: OnSent) -> None:
        self._offload = offload
        self._on_sent = on_sent
        self.stop = threading.Event()
        self.ids: list[str] = []
        self.outcomes: Sequence[str | OSError | RefusedError] = ()
        """In the order of the group: the upload's id, or the error of that file."""

    def upload(self, source: Source) -> str | OSError | RefusedError:
        """Returns the upload's id, or the error of this file. Raises `OffloadError` where all files are affected."""
        sent = 0

        def progress(now: int, _: int | None) -> None:
            nonlocal sent
            if self.stop.is_set():
                raise _StoppedError
            self._on_sent(now - sent)
            sent = now

        try:
            file = sys.stdin.buffer if source.name == STDIN else source.path
            upload_id = self._offload.upload(file, name=escape(Path(source.path).name), on_progress=progress).id
        except OSError as error:
            return error
        except RefusedError as error:
            if error.kind in FILE_ERRORS:
                return error
            raise
        self.ids.append(upload_id)
        return upload_id


def _outcomes(
    offload: Client, group: Sequence[Source], outcomes: Sequence[str | OSError | RefusedError]
) -> Sequence[Digested]:
    """Returns the outcome for each file."""
    sent = [place for place, outcome in enumerate(outcomes) if isinstance(outcome, str)]
    members: list[Member] = [
        {"task": TASK, "params": {"upload": outcomes[place], "algorithms": list(group[place].algorithms)}}
        for place in sent
    ]
    results = {sent[result.index]: result for result in _results(offload, members)} if members else {}
    found = []
    for place, (source, outcome) in enumerate(zip(group, outcomes, strict=True)):
        if isinstance(outcome, OSError):
            found.append(Digested(source, None, outcome.strerror or str(outcome)))
        elif isinstance(outcome, RefusedError):
            found.append(Digested(source, None, str(outcome)))
        else:
            found.append(_outcome(source, results.get(place)))
    return found


def _outcome(source: Source, result: MemberResult | None) -> Digested:
    if result is None:
        return Digested(source, None, "its job was deleted")
    if result.state == "succeeded":
        return Digested(source, result.result["digests"])
    return Digested(source, None, result.error.detail if result.error else f"its job was {result.state}")


def _results(offload: Client, members: Sequence[Member]) -> Sequence[MemberResult]:
    """Runs the members as a batch. Deletes the batch afterwards, and its uploads with it."""
    batch = offload.submit_batch(members)
    try:
        offload.wait_batch(batch.id)
        return list(offload.batch_results(batch.id))
    except BaseException:
        with suppress(OffloadError):
            offload.cancel_batch(batch.id)
        raise
    finally:
        with suppress(OffloadError):
            offload.delete_batch(batch.id)
