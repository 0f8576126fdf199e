# Generated from offload/client/_async/downloads.py by `make sync-client`. Edit that file instead.

"""Results of any size: resumed after a cut, and never in memory as a whole unless the caller asks for that."""

import io
from collections.abc import Generator
from typing import IO, Any

from offload.client import api, responses
from offload.client._sync.transport import Transport
from offload.client.errors import JobCancelledError, JobFailedError, RefusedError, UnreachableError
from offload.client.records import MemberResult


def result(transport: Transport, job_id: str) -> Any:
    """Return the whole result. Raises what `download` raises."""
    file = io.BytesIO()
    download(transport, job_id, file)
    with responses.reading_from(transport.url):
        return responses.decode(file.getvalue())


def download(transport: Transport, job_id: str, file: IO[bytes]) -> int:
    """Write the result's JSON to a file and return its size in bytes.

    Raises `JobFailedError`, `JobCancelledError`, and `RefusedError` for a job that has not ended.
    """
    try:
        return _download(transport, job_id, file)
    except RefusedError as error:
        if error.kind not in ("job-failed", "job-cancelled"):
            raise
        job = transport.send(api.job(job_id))
        raise (JobFailedError if job.state == "failed" else JobCancelledError)(job) from error


def _download(transport: Transport, job_id: str, file: IO[bytes]) -> int:
    retries = transport.retries()
    received = 0
    while True:
        # The last byte is requested again: where it was the result's last, a range after it would be refused.
        start = max(0, received - 1)
        request = api.result(job_id)
        if received:
            request = request.with_header("Range", f"bytes={start}-")
        try:
            with transport.stream(request) as response:
                transport.raise_for_problem(response)
                with responses.reading_from(transport.url):
                    responses.require_json(response)
                position = start if response.status_code == 206 else 0  # a proxy may ignore ranges
                for portion in response.iter_bytes():
                    position += len(portion)
                    if position > received:
                        file.write(portion[received - position :])
                        received = position
                        retries.reset()
        except (RefusedError, UnreachableError) as error:
            transport.back_off(retries, error)
        else:
            return received


def batch_results(transport: Transport, batch_id: str) -> Generator[MemberResult]:
    """Yield the result of each job of a batch so far, in the order of submission, each once."""
    retries = transport.retries()
    last_index = -1
    while True:
        try:
            with transport.stream(api.batch_results(batch_id)) as response:
                transport.raise_for_problem(response)
                rest = bytearray()
                for portion in response.iter_bytes():
                    rest += portion
                    if b"\n" not in portion:
                        continue
                    *lines, rest = rest.split(b"\n")
                    for line in lines:
                        member = _member(transport, line)
                        if member.index > last_index:
                            last_index = member.index
                            yield member
                            retries.reset()
        except (RefusedError, UnreachableError) as error:
            transport.back_off(retries, error)
        else:
            return


def _member(transport: Transport, line: bytearray) -> MemberResult:
    with responses.reading_from(transport.url):
        return responses.to_record(MemberResult, responses.decode(bytes(line)))
