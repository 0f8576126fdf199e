"""Runs one attempt at a time in a lane's process."""

import os
from contextvars import copy_context
from pathlib import Path
from typing import TYPE_CHECKING

from offload.tasks.context import Context
from offload.tasks.registry import Registry
from offload.wire.messages import Call, Fault, LaneSetup, Reply
from offload.worker.exceptions import to_fault
from offload.worker.output.capture import OutputCapture
from offload.worker.output.log_writer import LogWriter
from offload.worker.reporter import Reporter
from offload.worker.results import store_result
from offload.worker.state.descriptors import SpareDescriptor
from offload.worker.state.process_state import ProcessState
from offload.worker.usage import Memory, Meter

if TYPE_CHECKING:
    from offload.worker.traces import LaneTraces


class AttemptRunner:
    """Holds what a lane's process keeps from one attempt to the next."""

    def __init__(self, setup: LaneSetup, registry: Registry) -> None:
        self._setup = setup
        self._registry = registry
        self.traces = _traces() if setup.traced else None
        # After the traces: it remembers all loggers, including that of the traces' exporter.
        self._spare = SpareDescriptor()
        self._output = OutputCapture(LogWriter(setup.logs_dir, self._spare))
        self._reporter = Reporter(setup.board_address, setup.board_authkey)
        self._reporter.start()
        self._context = Context(setup.places, self._reporter.progress)
        self._memory = Memory()
        self.initial_state = ProcessState(self._memory)

    def run(self, call: Call) -> Reply:
        """Run one attempt: note its start → cap the memory → call the task → restore the process → store the result."""
        meter = Meter(self._memory)
        self._output.begin(call.job_id, call.attempt)
        self._reporter.begin((call.job_id, call.attempt))
        if self.traces is not None:
            self.traces.begin(call.trace)
        returned = self._call_task(call)
        if os.getpid() != self.initial_state.pid:  # the task forked, and this child has returned from the task
            os._exit(0)
        self._memory.lift_cap()
        self._output.end()
        unfit = self.initial_state.restore()
        if self.traces is not None:
            unfit = self.traces.end() or unfit
        stored: tuple[bytes | None, int] | Fault = (
            store_result(self._setup, call, returned, self._reporter.note, self._spare)
            if isinstance(returned, bytes)
            else returned
        )
        self._reporter.end()
        spent = meter.read()
        if isinstance(stored, Fault):
            return Reply(spent, stored, None, 0, unfit)
        inline, size = stored
        return Reply(spent, None, inline, size, unfit)

    def _call_task(self, call: Call) -> bytes | Fault:
        """Return the task's result as JSON, or the fault."""
        try:
            task = self._registry.get(call.task)
            if task is None:
                return Fault("task-raised", f"No task named {call.task!r} is registered any more.")
            params = call.params if call.params is not None else Path(call.params_file or "").read_bytes()
            self._memory.cap(call.limit_bytes)
            # In a copy of the context: what a task sets there, such as decimal's precision, ends with it.
            return copy_context().run(task.run, params, self._context)
        except BaseException as error:  # the task may raise SystemExit or KeyboardInterrupt, too
            self._memory.lift_cap()  # to describe the error needs memory
            return to_fault(error)


def _traces() -> "LaneTraces":
    from offload.worker.traces import LaneTraces  # noqa: PLC0415  # the SDK is loaded only where it is used

    return LaneTraces()
