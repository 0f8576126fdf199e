"""Results of any size: fetched on after a cut, and never all in memory unless asked for."""

import io
from typing import IO, Any

from offload.client import calls, reading
from offload.client.asking import ask, open_good, persist
from offload.client.call import Call
from offload.client.errors import JobCancelledError, JobFailedError, NotOffloadError, RefusedError
from offload.client.following import with_headers
from offload.client.patience import Service, Tries
from offload.client.records import MemberResult
from offload.client.steps import Steps, Tell, read


def result(service: Service, job_id: str) -> Steps[Any]:
    """The whole result. Raises `JobFailedError`, `JobCancelledError`, and `RefusedError` where it has not ended."""
    file = io.BytesIO()
    yield from download(service, job_id, file)
    try:
        return reading.decoded(file.getvalue())
    except ValueError as error:
        raise NotOffloadError(service.url, str(error)) from None


def download(service: Service, job_id: str, file: IO[bytes]) -> Steps[int]:
    """Writes the result's JSON to a file, and returns how many bytes. Raises the same."""
    try:
        return (yield from _fetch(service, calls.result(job_id), file))
    except RefusedError as error:
        if error.kind not in ("job-failed", "job-cancelled"):
            raise
        job = yield from ask(service, calls.job(job_id))
        raise (JobFailedError if job.state == "failed" else JobCancelledError)(job) from error


def _fetch(service: Service, call: Call[Any], file: IO[bytes]) -> Steps[int]:
    tries = Tries(service=service)
    had = 0

    def attempt() -> Steps[bool]:
        nonlocal had
        overlap = max(0, had - 1)  # its last byte again, since none may be left, and a range of nothing is refused
        head = yield from open_good(service, with_headers(call, (("Range", f"bytes={overlap}-"),) if had else ()))
        if not (kind := reading.media_type(head.headers.get("content-type", ""))).endswith("json"):
            raise NotOffloadError(service.url, f"it sent {kind or 'something'} instead of JSON")
        at = overlap if head.status == 206 else 0  # what is in between may not know ranges
        while portion := (yield from read()):
            at += len(portion)
            if at > had:
                file.write(portion[had - at :])
                had = at
                tries.succeeded()
        return True

    yield from persist(tries, attempt)
    return had


def batch_results(service: Service, batch_id: str) -> Steps[None]:
    """Tells what became of each job of a batch, in the order of submission."""
    tries = Tries(service=service)
    told = -1

    def attempt() -> Steps[bool]:
        nonlocal told
        yield from open_good(service, calls.batch_results(batch_id))
        rest = bytearray()
        while portion := (yield from read()):
            rest += portion
            if b"\n" in portion:
                *lines, last = rest.split(b"\n")
                rest = bytearray(last)
                for member in (_member(service, line) for line in lines):
                    if member.index > told:
                        told = member.index
                        yield Tell(member)
                        tries.succeeded()
        return True

    yield from persist(tries, attempt)


def _member(service: Service, line: bytes | bytearray) -> MemberResult:
    try:
        return reading.record(MemberResult, reading.decoded(bytes(line)))
    except ValueError as error:
        raise NotOffloadError(service.url, str(error)) from None
