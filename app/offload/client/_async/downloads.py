"""Results of any size: resumed after a cut, and never in memory as a whole unless the caller asks for that."""

import io
from collections.abc import AsyncGenerator
from typing import IO, Any

from offload.client import api, responses
from offload.client._async.transport import AsyncTransport
from offload.client.errors import JobCancelledError, JobFailedError, RefusedError, UnreachableError
from offload.client.records import MemberResult


async def result(transport: AsyncTransport, job_id: str) -> Any:
    """Return the whole result. Raises what `download` raises."""
    file = io.BytesIO()
    await download(transport, job_id, file)
    with responses.reading_from(transport.url):
        return responses.decode(file.getvalue())


async def download(transport: AsyncTransport, job_id: str, file: IO[bytes]) -> int:
    """Write the result's JSON to a file and return its size in bytes.

    Raises `JobFailedError`, `JobCancelledError`, and `RefusedError` for a job that has not ended.
    """
    try:
        return await _download(transport, job_id, file)
    except RefusedError as error:
        if error.kind not in ("job-failed", "job-cancelled"):
            raise
        job = await transport.send(api.job(job_id))
        raise (JobFailedError if job.state == "failed" else JobCancelledError)(job) from error


async def _download(transport: AsyncTransport, job_id: str, file: IO[bytes]) -> int:
    retries = transport.retries()
    received = 0
    while True:
        # The last byte is requested again: where it was the result's last, a range after it would be refused.
        start = max(0, received - 1)
        request = api.result(job_id)
        if received:
            request = request.with_header("Range", f"bytes={start}-")
        try:
            async with transport.stream(request) as response:
                await transport.raise_for_problem(response)
                with responses.reading_from(transport.url):
                    responses.require_json(response)
                position = start if response.status_code == 206 else 0  # a proxy may ignore ranges
                async for portion in response.aiter_bytes():
                    position += len(portion)
                    if position > received:
                        file.write(portion[received - position :])
                        received = position
                        retries.reset()
        except (RefusedError, UnreachableError) as error:
            await transport.back_off(retries, error)
        else:
            return received


async def batch_results(transport: AsyncTransport, batch_id: str) -> AsyncGenerator[MemberResult]:
    """Yield the result of each job of a batch so far, in the order of submission, each once."""
    retries = transport.retries()
    last_index = -1
    while True:
        try:
            async with transport.stream(api.batch_results(batch_id)) as response:
                await transport.raise_for_problem(response)
                rest = bytearray()
                async for portion in response.aiter_bytes():
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
            await transport.back_off(retries, error)
        else:
            return


def _member(transport: AsyncTransport, line: bytearray) -> MemberResult:
    with responses.reading_from(transport.url):
        return responses.to_record(MemberResult, responses.decode(bytes(line)))
