"""What a lane runs, from inside its process.

`begin` is how the process begins, `enter` its first call, `execute` runs attempts, `answer` is a sign of life. The
executor can only call functions of modules, so what the process holds between calls is this module's.
"""

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

from offload.errors import BootError
from offload.tasks.context import Context
from offload.tasks.registry import Registry
from offload.wire import result_files as results
from offload.wire.messages import MESSAGE_BYTES, Call, Entered, Fault, LaneSetup, Reply
from offload.wire.pipes import Shared
from offload.worker import limits
from offload.worker.faults import fault
from offload.worker.hygiene import Hygiene
from offload.worker.logbook import Logbook
from offload.worker.output import Output
from offload.worker.registry import registry
from offload.worker.reporter import Reporter
from offload.worker.setup import settle

if TYPE_CHECKING:
    from offload.worker.traces import LaneTraces

WRITE_AGAIN_S = 1.0
"""How long a result that could not be written waits for the next try."""

STAY_S = 0.02
"""How long the lane stays in its call when it has nothing more to do: what comes by then needs no new one."""

_shared: Shared | None = None
_lane: "Lane | None" = None


def begin(nice: int, shared: Shared) -> None:
    """Sets the process up, before its first call."""
    global _shared  # noqa: PLW0603  # see the module's docstring
    settle(nice)
    _shared = shared


def enter(setup: LaneSetup) -> Entered:
    """Makes this process a lane, or says why that is impossible."""
    global _lane  # noqa: PLW0603  # see the module's docstring
    try:
        _lane = Lane(setup, registry(setup.registry))
    except BootError as error:
        return Entered(0, 0.0, str(error))
    except BaseException as error:  # users' modules are imported, and those may raise anything
        return Entered(0, 0.0, fault(error).detail)
    return Entered(_lane.hygiene.held_bytes, limits.cpu_seconds(), None)


def answer() -> bool:
    """Shows that the lane answers."""
    return True


def flush() -> bool:
    """Sends what tasks have traced and is not sent yet. Takes as long as the collector does."""
    if _lane is not None and _lane.traces is not None:
        _lane.traces.flush()
    return True


def execute() -> int:
    """Runs what is handed over, each attempt after the other, until nothing has come for a while. Raises nothing that a
    task does.

    Answers how many hand-overs were taken. Of each, it leaves what has been taken back; it ends early where the process
    is unfit for more.
    """
    if _lane is None or _shared is None:
        raise RuntimeError("a lane must be entered before it executes")
    taken = 0
    while calls := _shared.take(STAY_S):
        taken += 1
        for number, call in enumerate(calls):
            if number and not _shared.may_begin():
                _shared.tell_left()
                break
            reply = _lane.execute(call)
            _shared.tell(reply)
            if reply.unfit is not None:
                return taken
    return taken


class Lane:
    """What one worker process holds from one attempt to the next."""

    def __init__(self, setup: LaneSetup, registry: Registry) -> None:
        self._setup = setup
        self._registry = registry
        self.traces = _traces() if setup.traced else None
        self._output = Output(Logbook(setup.logs_dir))  # remembers loggers, with that of the traces' exporter
        self._reporter = Reporter(setup.board_address, setup.board_authkey)
        self._reporter.start()
        self._context = Context(setup.places, self._reporter.progress)
        self._memory = limits.Memory()
        self.hygiene = Hygiene(self._memory)

    def execute(self, call: Call) -> Reply:
        """One attempt: record the start → limit → run → restore → keep the result → reply"""
        meter = limits.Meter(self._memory)
        self._output.begin(call.job_id, call.attempt)
        self._reporter.begin((call.job_id, call.attempt))
        if self.traces is not None:
            self.traces.begin(call.trace)
        ended = self._run(call)
        if os.getpid() != self.hygiene.pid:  # the task forked, and this is the child, back from the task's function
            os._exit(0)
        self._memory.lift_cap()
        self._output.end()
        unfit = self.hygiene.restore()
        if self.traces is not None:
            unfit = self.traces.end() or unfit
        kept = self._keep(call, ended) if isinstance(ended, bytes) else ended
        self._reporter.end()
        spent = meter.read()
        if isinstance(kept, Fault):
            return Reply(spent, kept, None, 0, unfit)
        inline, size = kept
        return Reply(spent, None, inline, size, unfit)

    def _run(self, call: Call) -> bytes | Fault:
        """The task's result as JSON, or what went wrong."""
        try:
            task = self._registry.get(call.task)
            if task is None:
                return Fault("task-raised", f"No task is named {call.task!r} any more.")
            params = call.params if call.params is not None else Path(call.params_file or "").read_bytes()
            self._memory.cap(call.limit_bytes)
            return task.run(params, self._context)
        except BaseException as error:  # SystemExit and KeyboardInterrupt are a task's own doing, too
            self._memory.lift_cap()  # telling needs memory
            return fault(error)

    def _keep(self, call: Call, result: bytes) -> tuple[bytes | None, int] | Fault:
        """The result's inline form and its size, once it is where it must be."""
        size, most = len(result), self._setup.result_max_bytes
        if size > most:
            detail = f"The result is {size} bytes of JSON; this service keeps results of up to {most} bytes."
            return Fault("result-too-large", detail)
        if size <= MESSAGE_BYTES:
            return result, size
        self._write(call, result)
        return None, size

    def _write(self, call: Call, result: bytes) -> None:
        """Lays a large result down, however long the disk refuses it: the attempt's time limit ends that.

        What was computed is not lost to a full disk, and the full lane holds up the next job, which would only meet
        the same disk.
        """
        while True:
            try:
                results.write(self._setup.results_dir, call.job_id, call.attempt, result)
            except OSError as error:
                self._reporter.note(f"The result can't be written: {error.strerror}. It is tried again.")
                time.sleep(WRITE_AGAIN_S)
            else:
                return


def _traces() -> "LaneTraces":
    from offload.worker.traces import LaneTraces  # noqa: PLC0415  # the SDK: only where it is used

    return LaneTraces()
