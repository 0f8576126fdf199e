"""Starts the process of a lane with its executor and its pipes, or leaves nothing. Everything here blocks.

With `worker_process`, these are the only modules of the engine that import from `worker`: the functions that the
executor calls by reference.
"""

import contextlib
import time
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass

from offload.engines.local.context import ForkedProcess, LaneContext
from offload.engines.local.process_handle import ProcessExit, ProcessHandle, exit_of
from offload.engines.local.server_pipe import ServerPipe
from offload.engines.local.shared_memory import note_lane
from offload.wire.messages import LaneOpened, LaneSetup
from offload.worker.entry_points import initialize, open_lane

JOIN_S = 1.0
"""How long a killed process that was never used may take to end."""


@dataclass(frozen=True, slots=True)
class Spawned:
    """A started process, and all that the server has opened for it."""

    context: LaneContext
    process: ForkedProcess
    executor: ProcessPoolExecutor
    pipe: ServerPipe
    handle: ProcessHandle
    opened: Future[LaneOpened]
    """The result of the first call."""
    started: float
    """A time before the start of the process, in seconds since the epoch."""

    def close(self, *, joined: bool) -> ProcessExit:
        """Close all descriptors, and return how the process ended. Its executor has been shut down before.

        `joined` is False when this did not end in time. How the process ended is then unknown.
        """
        results, self.context.results = self.context.results, None  # or its semaphores would live as long as this
        if not joined and results is not None:
            results.close()  # ends the read in which the executor's thread hangs
        self.handle.close()
        self.pipe.close()
        return exit_of(self.process) if joined else ProcessExit()

    def discard(self) -> None:
        """Kill the process, which nobody uses, and close everything. Takes milliseconds."""
        self.handle.kill()
        self.executor.shutdown(cancel_futures=True)
        self.close(joined=True)


def spawn(setup: LaneSetup) -> Spawned:
    """Start a process and have it open its lane. Raise whatever goes wrong; then nothing of it is left.

    Forking takes as long as the forkserver wants: it may be loading users' modules, or wait until there may be another
    process.
    """
    context, started = LaneContext(), time.time()
    with ExitStack() as undo:
        pipe = ServerPipe(context)
        undo.callback(pipe.close)
        executor = ProcessPoolExecutor(1, context, initializer=initialize, initargs=(setup.nice, pipe.lane_ends))
        undo.callback(_undo, executor, context)
        opened = executor.submit(open_lane, setup)
        process = context.started
        handle = ProcessHandle(process.pid or 0)
        undo.pop_all()
    note_lane(setup.run_dir, handle.pid)
    return Spawned(context, process, executor, pipe, handle, opened, started)


def _undo(executor: ProcessPoolExecutor, context: LaneContext) -> None:
    """End an executor that has failed while it was starting: with or without a process, or the thread that joins it."""
    process, results = context.process, context.results
    if process is not None and process.pid is not None:
        process.kill()
    try:
        executor.shutdown(cancel_futures=True)
    except RuntimeError:  # it could not start its thread, so there is nothing to join
        executor.shutdown(wait=False)
    if process is not None and process.pid is not None:
        process.join(JOIN_S)
        with contextlib.suppress(ValueError):  # it has not ended yet
            process.close()
    if results is not None:
        results.close()
    context.process = context.results = None
