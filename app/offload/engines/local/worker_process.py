"""One worker process and its executor, from the start of the process until it is reaped.

A process ends when the engine kills it, by itself, or when another process kills it. Its pidfd reports this
immediately, whatever state the executor is in. The executor is used only to start the process, to call functions in it,
and to return their results.

With `spawn`, these are the only modules of the engine that import from `worker`: the functions that the executor calls
by reference.
"""

import asyncio
import contextlib
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError, Future
from functools import partial
from typing import Any, TypeVar

import structlog

from offload.engines.local.orphans import kill_orphans
from offload.engines.local.process_handle import ProcessExit
from offload.engines.local.shared_memory import clean_up_lane
from offload.engines.local.spawn import Spawned, spawn
from offload.threads import NoThreadError, run_in_thread
from offload.wire.messages import Call, LaneOpened, LaneSetup, Reply
from offload.worker.entry_points import flush_traces, ping, run_attempts

START_S = 30.0
"""How long a process may take until it can run attempts. Most of it is the import of users' modules."""

SLOW = "the machine is overloaded, or allows no more processes"

START_CHECK_S = 0.5
"""How often a process that is starting is checked."""

EXECUTOR_S = 0.5
"""How long to wait, after a process has ended, for the executor to report the end of its call."""

REAP_S = 1.0
"""How long each step of reaping a process may take."""

log = structlog.get_logger()
T = TypeVar("T")


class LaneUnusableError(Exception):
    """This process can't serve as a lane, or can't any more. The message says why; it has started nothing."""


class WorkerProcess:
    """Belongs to the event loop.

    There, `on_replies` is called whenever replies may have come, and `on_death` once, when the process has ended.
    `excluded_pid` returns the pid of a process that is not killed as an orphan.
    """

    def __init__(
        self,
        setup: LaneSetup,
        on_replies: Callable[[], None],
        on_death: Callable[[], None],
        excluded_pid: Callable[[], int | None],
    ) -> None:
        self._setup = setup
        self._on_replies = on_replies
        self._on_death = on_death
        self._excluded_pid = excluded_pid
        self._loop = asyncio.get_running_loop()
        self._spawned: Spawned | None = None
        """What the server has opened for the process, from `start` until `reap`."""
        self._reaped = False
        self._handing_over = threading.Lock()
        """Held by who sets the two above: a process may come after `start` has given it up."""
        self._killed = False
        self._running_attempts = False
        self._broken = False
        self._pending: asyncio.Future[Any] | None = None  # Any: whatever the current call returns
        self._readers: list[int] = []
        self._gone = self._loop.create_future()
        self.pid: int | None = None
        self.held_bytes = 0
        """The memory that the process held when it was ready for its first attempt."""
        self.cpu_s = 0.0
        """The CPU time that the process had used at its last reply."""

    @property
    def alive(self) -> bool:
        """True while the process exists."""
        return self._spawned is not None and self._spawned.handle.alive

    @property
    def suspended(self) -> bool:
        """True while a signal such as SIGSTOP has stopped the process."""
        return self._spawned is not None and self._spawned.handle.suspended

    @property
    def unresponsive(self) -> bool:
        """True while it has not read its dispatch: for a moment, or permanently when a task has spoilt the executor's
        pipes.
        """
        return self._spawned is not None and self._spawned.pipe.unread

    async def start(self) -> None:
        """Start the process and wait until it can run attempts.

        Raise `LaneUnusableError` when it can't. It must be reaped in this case, too.
        """
        try:
            await asyncio.wait_for(run_in_thread(self._spawn), START_S)
            spawned = self._add_readers()
            opened = await asyncio.wait_for(self._opened(spawned.opened), START_S)
        except LaneUnusableError:
            raise
        except TimeoutError as error:
            raise LaneUnusableError(f"it was not ready within {START_S:g} s: {SLOW}") from error
        except NoThreadError as error:
            raise LaneUnusableError(f"no process and no thread can be started now ({error})") from error
        except Exception as error:  # connecting to the forkserver and forking may fail in many ways
            raise LaneUnusableError(f"it could not be started: {error!r}") from error
        if opened is None:
            raise LaneUnusableError("it ended before it was ready")
        if opened.problem is not None:
            raise LaneUnusableError(opened.problem)
        self.held_bytes, self.cpu_s = opened.held_bytes, opened.cpu_s

    def send(self, calls: Sequence[Call]) -> None:
        """Have the process run attempts, one after the other; `collect` returns their replies. One dispatch at a time.

        Raise `LaneUnusableError` when the process is gone and has started nothing.
        """
        if self._spawned is None:
            raise LaneUnusableError("the process is gone")
        self._spawned.pipe.send(calls)  # also when the process is gone: what it has not started can then be withdrawn
        if not self._spawned.handle.alive:
            if self._spawned.pipe.unread:
                raise LaneUnusableError("the process is gone")
            return  # it was still in its last call, read the dispatch, and has died of it
        if not self._running_attempts:
            self._run_attempts()

    def withdraw(self) -> int:
        """Withdraw the attempts of the dispatch that have not started: the last ones. Return their number."""
        return self._spawned.pipe.withdraw() if self._spawned is not None else 0

    def collect(self) -> Sequence[Reply | None]:
        """Return the replies since the last call, in the order of the attempts: see `ServerPipe.collect`.

        Kill a process that has sent data that is no reply.
        """
        if self._spawned is None:
            return []
        pipe = self._spawned.pipe
        replies = pipe.collect()
        if pipe.violated:
            self.kill()
        return replies

    async def ping(self) -> bool:
        """Return True when the process responds. Raise `LaneUnusableError` when it can't be called."""
        return await self._call(ping) is True

    async def flush_traces(self) -> None:
        """Have the process send its spans. Raise `LaneUnusableError` when it can't be called."""
        await self._call(flush_traces)

    def kill(self) -> None:
        """Kill the process and its group, now or as soon as it exists."""
        self._killed = True
        if self._spawned is not None:
            self._spawned.handle.kill()

    async def reap(self) -> ProcessExit:
        """Kill the process and what its tasks left, release all resources, and return how it ended.

        Takes up to 2 s, and raises nothing. It is called once.
        """
        self.kill()
        with self._handing_over:
            self._reaped = True
        if self._spawned is None:
            return ProcessExit()
        await asyncio.wait([self._gone], timeout=REAP_S)
        self._remove_readers()
        executor = self._spawned.executor
        joined, _ = await asyncio.gather(
            _in_time(partial(executor.shutdown, cancel_futures=True), partial(executor.shutdown, wait=False)),
            _in_time(partial(self._clean_up_after, self._spawned), partial(self._clean_up_after, self._spawned)),
        )
        spawned, self._spawned = self._spawned, None
        return spawned.close(joined=joined)

    # These methods run in threads.

    def _spawn(self) -> None:
        spawned = spawn(self._setup)
        with self._handing_over:
            if not self._reaped:
                self._spawned, self.pid = spawned, spawned.handle.pid
        if self._reaped:  # `start` has given it up
            spawned.discard()
            self._clean_up_after(spawned)
        elif self._killed:  # while it was being started
            spawned.handle.kill()

    def _clean_up_after(self, spawned: Spawned) -> None:
        kill_orphans(spawned.handle.pid, self._excluded_pid())
        clean_up_lane(self._setup.run_dir, spawned.handle.pid, spawned.started)

    # All other methods run on the event loop.

    def _add_readers(self) -> Spawned:
        if self._spawned is None:
            raise LaneUnusableError("the process is gone")
        spawned = self._spawned
        self._readers = [spawned.pipe.fileno(), spawned.handle.fileno(), spawned.process.sentinel]
        self._loop.add_reader(spawned.pipe.fileno(), self._on_replies)
        self._loop.add_reader(spawned.handle.fileno(), self._ended)
        self._loop.add_reader(spawned.process.sentinel, self._exit_code_came)
        return spawned

    def _remove_readers(self) -> None:
        for descriptor in self._readers:
            self._loop.remove_reader(descriptor)
        self._readers = []

    def _ended(self) -> None:
        self._remove_readers()
        self._gone.set_result(None)
        if self._pending is not None:
            if self._broken:
                _give_up(self._pending)
            else:
                self._loop.call_later(EXECUTOR_S, _give_up, self._pending)
        self._on_death()

    def _exit_code_came(self) -> None:
        """Handle the sentinel. It is also readable when the forkserver has died while the process still runs."""
        self._loop.remove_reader(self._readers.pop())
        if self.alive:
            self.kill()

    def _submit(self, function: Callable[[], T]) -> Future[T]:
        if self._spawned is None:
            raise LaneUnusableError("the process is gone")
        try:
            return self._spawned.executor.submit(function)
        except RuntimeError as error:  # also raised by a broken pool
            raise LaneUnusableError(str(error)) from error

    def _run_attempts(self) -> None:
        future = self._submit(run_attempts)
        self._running_attempts = True
        future.add_done_callback(partial(self._on_loop, self._attempts_done))

    def _attempts_done(self, future: Future[int]) -> None:
        """Call the process again when a dispatch came just as it left its call."""
        self._running_attempts = False
        if self._spawned is None:
            return
        try:
            self._spawned.pipe.confirm(future.result())
            if self._spawned.pipe.unconfirmed:
                self._run_attempts()
        except (Exception, CancelledError):  # the executor is broken, by the task or by the forkserver's death
            self.kill()

    async def _call(self, function: Callable[[], T]) -> T | None:
        """Call a function in the process, one call at a time. Return None when the process ended during the call."""
        if not self.alive:
            raise LaneUnusableError("the process is gone")
        return await self._result_of(self._submit(function))

    async def _opened(self, first: Future[LaneOpened]) -> LaneOpened | None:
        """Return the result of the first call. Raise `LaneUnusableError` when the process is suspended meanwhile."""
        waiting = self._result_of(first)
        result = asyncio.create_task(waiting)
        try:
            while not (await asyncio.wait([result], timeout=START_CHECK_S))[0]:
                if self.suspended:
                    raise LaneUnusableError("it was suspended while it started")
            return result.result()
        finally:
            result.cancel()

    async def _result_of(self, future: "Future[T]") -> T | None:
        result: asyncio.Future[T | None] = self._loop.create_future()
        self._pending = result
        future.add_done_callback(partial(self._on_loop, partial(self._settle, result)))
        try:
            return await result
        finally:
            self._pending = None

    def _on_loop(self, callback: Callable[[Future[T]], None], future: Future[T]) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has been closed in the meantime
            self._loop.call_soon_threadsafe(callback, future)

    def _settle(self, result: "asyncio.Future[T | None]", future: Future[T]) -> None:
        if result.done():
            return
        if not future.cancelled() and future.exception() is None:
            result.set_result(future.result())
        elif self._gone.done():
            result.set_result(None)
        else:  # the executor is broken, for example by the forkserver's death: no result will come
            self._broken = True
            self.kill()


def _give_up(result: "asyncio.Future[Any]") -> None:  # Any: see `WorkerProcess._pending`
    if not result.done():
        result.set_result(None)


async def _in_time(work: Callable[[], object], without_thread: Callable[[], object]) -> bool:
    """Run `work` in a thread. Return whether it returned within `REAP_S`.

    When no thread can be started, run `without_thread` here, which blocks for milliseconds at most, and return False.
    """
    try:
        try:
            await asyncio.wait_for(run_in_thread(work), REAP_S)
        except NoThreadError:
            without_thread()
        else:
            return True
    except TimeoutError:
        pass
    except Exception:  # such as EMFILE: the rest must still be closed
        log.exception("a lane's process could not be reaped completely")
    return False
