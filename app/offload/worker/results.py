"""Where an attempt's result goes: into the reply, or into the attempt's result file when it is too large for that."""

import contextlib
import os
import time
from collections.abc import Callable
from pathlib import Path

from offload.wire.attempt_files import partial_result_name, result_name
from offload.wire.messages import MESSAGE_BYTES, Call, Fault, LaneSetup
from offload.worker.state.descriptors import SpareDescriptor

WRITE_AGAIN_S = 1.0
"""How long a result that could not be written waits for the next try."""


def store_result(
    setup: LaneSetup, call: Call, result: bytes, note: Callable[[str], None], spare: SpareDescriptor
) -> tuple[bytes | None, int] | Fault:
    """Store a result. Return the part for the reply, which is None when it is in the file, and its size in bytes.

    A file that can't be written is tried again for as long as the attempt's time limit allows, and `note` is called
    with the reason. The computed result is not lost to a full disk, and the next job could not write to it either.
    """
    size, most = len(result), setup.result_max_bytes
    if size > most:
        detail = f"The result is {size} bytes of JSON. This service stores results of up to {most} bytes."
        return Fault("result-too-large", detail)
    if size <= MESSAGE_BYTES:
        return result, size
    while True:
        try:
            spare.opening(lambda: write_result(setup.results_dir, call.job_id, call.attempt, result))
        except OSError as error:
            note(f"The result can't be written: {error.strerror}. It is tried again.")
            time.sleep(WRITE_AGAIN_S)
        else:
            return None, size


def write_result(directory: Path, job_id: str, attempt: int, result: bytes) -> None:
    """Write the result file, complete and on disk when this returns. Raise OSError, and leave no file then."""
    final = directory / result_name(job_id, attempt)
    partial = directory / partial_result_name(job_id, attempt)
    try:
        with partial.open("wb") as file:
            file.write(result)
            file.flush()
            os.fsync(file.fileno())
        partial.rename(final)
    except OSError:
        with contextlib.suppress(OSError):
            partial.unlink()
        raise
    listing = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(listing)
    finally:
        os.close(listing)
