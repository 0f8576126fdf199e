"""The functions that the server calls in a lane's process, by reference through the executor.

`initialize` runs when the process starts, `open_lane` is its first call, `run_attempts` runs attempts, `ping` shows
that the process responds. The executor can only call functions of modules, so this module holds the lane's state
between calls.
"""

from functools import cache

from offload.errors import BootError
from offload.tasks.registry import load_registry
from offload.wire.framing import LaneEnds
from offload.wire.messages import LaneOpened, LaneSetup
from offload.worker.exceptions import to_fault
from offload.worker.lane_pipe import LanePipe
from offload.worker.runner import AttemptRunner
from offload.worker.setup import set_up_process
from offload.worker.usage import cpu_seconds

LINGER_S = 0.02
"""How long `run_attempts` waits for another dispatch: one that comes in this time needs no new call."""

registry = cache(load_registry)
"""`load_registry`, called once for all lanes, in the forkserver. An exception is not cached."""

_pipe: LanePipe | None = None
_runner: AttemptRunner | None = None


def initialize(nice: int, ends: LaneEnds) -> None:
    """Set up the process, before its first call."""
    global _pipe  # noqa: PLW0603  # see the module's docstring
    set_up_process(nice)
    _pipe = LanePipe(ends)


def open_lane(setup: LaneSetup) -> LaneOpened:
    """Make this process a lane, or return the problem that prevents it."""
    global _runner  # noqa: PLW0603  # see the module's docstring
    try:
        _runner = AttemptRunner(setup, registry(setup.registry))
    except BootError as error:
        return LaneOpened(0, 0.0, str(error))
    except BaseException as error:  # users' modules are imported here, and may raise anything
        return LaneOpened(0, 0.0, to_fault(error).detail)
    return LaneOpened(_runner.initial_state.held_bytes, cpu_seconds(), None)


def run_attempts() -> int:
    """Run dispatched attempts, one after the other, until none has come for a while. Return the number of dispatches.

    Skip what the server withdraws from a dispatch. End early when the process is unfit for another attempt. Raise
    nothing that a task raises.
    """
    if _runner is None or _pipe is None:
        raise RuntimeError("a lane must be opened before it runs attempts")
    dispatches = 0
    while calls := _pipe.receive(LINGER_S):
        dispatches += 1
        for number, call in enumerate(calls):
            if number and not _pipe.may_start_next():
                _pipe.report_skipped()
                break
            reply = _runner.run(call)
            _pipe.reply(reply)
            if reply.unfit is not None:
                return dispatches
    return dispatches


def ping() -> bool:
    """Show that the process responds."""
    return True


def flush_traces() -> bool:
    """Send the spans that tasks have ended. This takes as long as the collector takes."""
    if _runner is not None and _runner.traces is not None:
        _runner.traces.flush()
    return True
