"""Local files digested by a service: uploaded, several at a time, as batches that are forgotten once they are read."""

import os
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from offload.client import Client, Member, MemberResult, OffloadError, RefusedError
from offload.commands.screen import safe
from offload.digests.algorithms import Algorithm

AT_ONCE = 4
"""Uploads at the same time."""

GROUP_FILES = 500
GROUP_BYTES = 1 << 30
"""Of uploads that are on the service's disk at the same time, but for a single larger one."""

TASK = "file-digest"

STDIN = b"-"

Moved = Callable[[int], None]
"""Is told how many more bytes were sent, from several threads."""

OF_THIS_FILE = frozenset({"body-too-large", "upload-too-slow"})
"""Refusals that say nothing of the next file."""


@dataclass(frozen=True, slots=True)
class Source:
    """A file that is to be digested."""

    name: bytes
    """Its path; `-` is stdin."""
    algorithms: Sequence[Algorithm]

    @property
    def path(self) -> str:
        """Where it is, unless it is stdin."""
        return os.fsdecode(self.name)

    @property
    def is_file(self) -> bool:
        """Whether it is a regular file: reading it needs nobody else to go on."""
        return self.name != STDIN and Path(self.path).is_file()

    def size(self) -> int:
        """In bytes, where that is known before it is read."""
        with suppress(OSError):
            return Path(self.path).stat().st_size if self.is_file else 0
        return 0


@dataclass(frozen=True, slots=True)
class Digested:
    """What became of a file: its digests by algorithm, in hex, or why there are none."""

    source: Source
    digests: Mapping[str, str] | None
    why: str = ""


class _StoppedError(Exception):
    """An upload was given up since the command ends."""


def groups(sources: Sequence[Source]) -> Iterator[Sequence[Source]]:
    """The files in their order, as many at a time as may be on the service's disk."""
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


def digested(offload: Client, group: Sequence[Source], moved: Moved) -> Sequence[Digested]:
    """What became of each file of a group. Whatever happens, nothing of them stays with the service."""
    with _uploaded(offload, group, moved) as uploads:
        found = _found(offload, group, uploads.outcomes)
        uploads.ids.clear()  # they went with their batch
    return found


@contextmanager
def _uploaded(offload: Client, group: Sequence[Source], moved: Moved) -> Iterator["_Uploads"]:
    """Uploads a group. What is in `ids` at the end is forgotten."""
    uploads = _Uploads(offload, moved)
    try:
        with ThreadPoolExecutor(AT_ONCE) as pool:
            try:
                uploading = [pool.submit(uploads.upload, each) if each.is_file else None for each in group]
                # A pipe is read in this thread, since only this one can be interrupted while nothing comes.
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
            with suppress(OffloadError):  # then it goes with its retention
                offload.delete_upload(upload_id)


class _Uploads:
    """The uploads of a group, made by several threads."""

    def __init__(self, offload: Client, moved: Moved) -> None:
        self._offload = offload
        self._moved = moved
        self.stop = threading.Event()
        self.ids: list[str] = []
        self.outcomes: Sequence[str | OSError | RefusedError] = ()
        """By the group's order: an upload's id, or what is wrong with the file."""

    def upload(self, source: Source) -> str | OSError | RefusedError:
        """Raises `OffloadError` for what is wrong with more than this file."""
        sent = 0

        def progress(now: int, _: int | None) -> None:
            nonlocal sent
            if self.stop.is_set():
                raise _StoppedError
            self._moved(now - sent)
            sent = now

        try:
            file = sys.stdin.buffer if source.name == STDIN else source.path
            upload_id = self._offload.upload(file, name=safe(Path(source.path).name), on_progress=progress).id
        except OSError as error:
            return error
        except RefusedError as error:
            if error.kind in OF_THIS_FILE:
                return error
            raise
        self.ids.append(upload_id)
        return upload_id


def _found(
    offload: Client, group: Sequence[Source], outcomes: Sequence[str | OSError | RefusedError]
) -> Sequence[Digested]:
    """What became of each file."""
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
            found.append(_judged(source, results.get(place)))
    return found


def _judged(source: Source, result: MemberResult | None) -> Digested:
    if result is None:
        return Digested(source, None, "its job was deleted")
    if result.state == "succeeded":
        return Digested(source, result.result["digests"])
    return Digested(source, None, result.error.detail if result.error else f"its job was {result.state}")


def _results(offload: Client, members: Sequence[Member]) -> Sequence[MemberResult]:
    """What became of the members; their batch is forgotten, with its uploads."""
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
