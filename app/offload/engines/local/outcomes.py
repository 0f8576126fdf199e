"""Converts a lane's reply, or the exit of its process, to the attempt's outcome."""

from pathlib import Path

from offload.engines.local.process_handle import ProcessExit
from offload.jobs.model import AttemptKey, Done, Failed, Failure, FailureKind, Lost, Outcome, Usage
from offload.wire.attempt_files import result_name
from offload.wire.messages import INLINE_BYTES, Reply

ABORTS_NEAR, KILLS_NEAR = 0.5, 0.8
"""The part of its limit that a process must have held for memory to be the likely cause of its signal.

C libraries such as GMP abort when an allocation fails, and they allocate in steps of half of what they hold."""


def of_reply(key: AttemptKey, reply: Reply, results_dir: Path) -> Outcome:
    """Return the outcome that the attempt's own process has reported."""
    usage = Usage(wall_s=reply.spent.wall_s, cpu_s=reply.spent.cpu_s, peak_rss_bytes=reply.spent.peak_rss_bytes)
    if (fault := reply.fault) is not None:
        failure = Failure(
            kind=FailureKind(fault.kind), detail=fault.detail, exception=fault.exception, traceback=fault.traceback
        )
        return Failed(failure=failure, usage=usage)
    result = reply.result
    if result is None and reply.result_bytes <= INLINE_BYTES:  # too large for a message, small enough for the outcome
        file = results_dir / result_name(*key)
        try:
            result = file.read_bytes()
            file.unlink()
        except OSError as error:
            return Lost(detail=f"The result could not be read: {error.strerror}.", usage=usage)
    return Done(result=result, result_bytes=reply.result_bytes, usage=usage)


def of_death(exited: ProcessExit, usage: Usage, held_bytes: int, limit_bytes: int) -> Outcome:
    """Return the outcome of an attempt whose process ended without a reply, having held at most `held_bytes`."""
    if _was_memory(exited, held_bytes, limit_bytes):
        held, limit = held_bytes >> 20, limit_bytes >> 20
        detail = f"The process ended by {exited.signal} while it held {held} of its {limit} MiB of memory."
        failure = Failure(kind=FailureKind.MEMORY_EXCEEDED, detail=detail, signal=exited.signal)
        return Failed(failure=failure, usage=usage)
    return Lost(detail=_describe(exited), exit_code=exited.exit_code, signal=exited.signal, usage=usage)


def _was_memory(exited: ProcessExit, held_bytes: int, limit_bytes: int) -> bool:
    near = {"SIGABRT": ABORTS_NEAR, "SIGSEGV": KILLS_NEAR, "SIGBUS": KILLS_NEAR, "SIGKILL": KILLS_NEAR}
    return exited.signal in near and held_bytes >= near[exited.signal] * limit_bytes


def _describe(exited: ProcessExit) -> str:
    likely_causes = {
        "SIGABRT": "a C library aborts after an internal error or when memory runs out",
        "SIGSEGV": "C code has accessed memory that is not its own",
        "SIGBUS": "a mapped file has become shorter",
        "SIGKILL": "`kill -9`, or the kernel when the machine runs out of memory",
    }
    if exited.signal is not None:
        cause = likely_causes.get(exited.signal)
        likely = f" Likely cause: {cause}." if cause else ""
        return f"The worker process was ended by {exited.signal}.{likely}"
    if exited.exit_code is not None:
        return f"The worker process ended with exit code {exited.exit_code} during the job."
    return "The worker process ended or became unreachable during the job."
