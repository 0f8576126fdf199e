"""From what a lane told, or how its process ended, to the attempt's outcome."""

from pathlib import Path

from offload.engines.local.process import Ending
from offload.jobs.model import AttemptKey, Done, Failed, Failure, FailureKind, Lost, Outcome, Usage
from offload.wire import result_files as results
from offload.wire.messages import INLINE_BYTES, Reply

ABORTS_NEAR, KILLS_NEAR = 0.5, 0.8
"""Which part of its limit a process held when it ended by a signal, for memory to be the likely cause.

C libraries such as GMP abort when an allocation fails, and theirs come in leaps of half of what they hold."""


def of_reply(key: AttemptKey, reply: Reply, results_dir: Path) -> Outcome:
    """The attempt's process told how it ended."""
    usage = Usage(wall_s=reply.spent.wall_s, cpu_s=reply.spent.cpu_s, peak_rss_bytes=reply.spent.peak_rss_bytes)
    if (fault := reply.fault) is not None:
        failure = Failure(
            kind=FailureKind(fault.kind), detail=fault.detail, exception=fault.exception, traceback=fault.traceback
        )
        return Failed(failure=failure, usage=usage)
    result = reply.result
    if result is None and reply.result_bytes <= INLINE_BYTES:  # too large for a message, small enough for the outcome
        file = results_dir / results.file_name(*key)
        try:
            result = file.read_bytes()
            file.unlink()
        except OSError as error:
            return Lost(detail=f"The result could not be read: {error.strerror}.", usage=usage)
    return Done(result=result, result_bytes=reply.result_bytes, usage=usage)


def of_death(ending: Ending, usage: Usage, held_bytes: int, limit_bytes: int) -> Outcome:
    """The attempt's process ended without a word; `held_bytes` is the most that it was seen to hold."""
    if _was_memory(ending, held_bytes, limit_bytes):
        held, limit = held_bytes >> 20, limit_bytes >> 20
        detail = f"The process ended by {ending.signal} while it held {held} of its {limit} MiB of memory."
        failure = Failure(kind=FailureKind.MEMORY_EXCEEDED, detail=detail, signal=ending.signal)
        return Failed(failure=failure, usage=usage)
    return Lost(detail=_how(ending), exit_code=ending.exit_code, signal=ending.signal, usage=usage)


def _was_memory(ending: Ending, held_bytes: int, limit_bytes: int) -> bool:
    near = {"SIGABRT": ABORTS_NEAR, "SIGSEGV": KILLS_NEAR, "SIGBUS": KILLS_NEAR, "SIGKILL": KILLS_NEAR}
    return ending.signal in near and held_bytes >= near[ending.signal] * limit_bytes


def _how(ending: Ending) -> str:
    likely = {
        "SIGABRT": "as C libraries do on a fault of their own, or where memory runs out",
        "SIGSEGV": "as C code does that reaches outside its memory",
        "SIGBUS": "as happens where a mapped file shrinks",
        "SIGKILL": "as by `kill -9`, or by the kernel where the machine's memory runs out",
    }
    if ending.signal is not None:
        return f"The worker process was ended by {ending.signal}, {likely.get(ending.signal, 'by itself or another')}."
    if ending.exit_code is not None:
        return f"The worker process ended with exit code {ending.exit_code} in the middle of the job."
    return "The worker process ended or went out of touch in the middle of the job."
