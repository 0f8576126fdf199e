"""One worker process and the executor it hangs on, from its start to its burial.

A process ends when it is killed here, by itself, or by anybody. Its pidfd tells so at once, whatever the executor
believes; the executor is only trusted with bringing answers.
"""

import asyncio
import contextlib
import os
import select
import signal
from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError, Future, ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar, TypeVarTuple

from offload.engines.local.context import LaneContext
from offload.engines.local.orphans import end_orphans
from offload.engines.local.procfs import SUSPENDED, parse_stat
from offload.engines.local.threads import in_thread
from offload.wire.messages import Call, Entered, LaneSetup, Reply
from offload.wire.pipes import Desk
from offload.worker.lane import begin, enter, execute

START_S = 30.0
"""How long a process may take until it can run attempts: importing the modules of users' tasks is the long part."""

LOOK_S = 0.5
"""How often a process that is not ready yet is looked at."""

UNDONE_S = 0.5
"""A process is gone and its call still has no end: after so long nobody waits for the executor any more."""

BURIAL_S = 1.0

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


class LaneUnusableError(Exception):
    """This process can't serve as a lane, or not any more. The message says why; nothing was begun in it."""


@dataclass(frozen=True, slots=True)
class Ending:
    """How a process ended, as far as is known."""

    exit_code: int | None = None
    signal: str | None = None


class LaneProcess:
    """Belongs to the event loop. There `replied` is called whenever there may be replies, and `died` once, when the
    process has ended.
    """

    def __init__(
        self,
        setup: LaneSetup,
        replied: Callable[[], None],
        died: Callable[[], None],
        spared: Callable[[], int | None],
    ) -> None:
        self._setup = setup
        self._replied = replied
        self._died = died
        self._spared = spared
        self._loop = asyncio.get_running_loop()
        self._context = LaneContext()
        self._executor: ProcessPoolExecutor | None = None
        self._desk: Desk | None = None
        self._pidfd: int | None = None
        self._stat: int | None = None
        self._unwanted = False
        self._executing = False
        self._broken = False
        self._waiting: asyncio.Future[Any] | None = None  # of whatever type the call under way answers
        self._watching: list[int] = []
        self._gone = self._loop.create_future()
        self.pid: int | None = None
        self.held_bytes = 0
        """What the process held when it was ready for its first attempt."""
        self.cpu_s = 0.0
        """What it had used of the CPU when it last answered."""

    @property
    def alive(self) -> bool:
        """True while the process exists."""
        return self._pidfd is not None and not _readable(self._pidfd)

    @property
    def suspended(self) -> bool:
        """True while the process is stopped, as by SIGSTOP. In 3 µs, since its file of /proc stays open."""
        if self._stat is None:
            return False
        try:
            return parse_stat(os.pread(self._stat, 512, 0))[0] == SUSPENDED
        except ProcessLookupError:  # it has ended
            return False

    @property
    def aloof(self) -> bool:
        """True while it has not taken what was handed over: for a moment, or for ever where a task spoilt the pipes by
        which the executor calls it.
        """
        return self._desk is not None and self._desk.untaken

    async def start(self) -> None:
        """Starts the process and waits until it can run attempts. Raises `LaneUnusableError`; bury it then, too."""
        try:
            first = await asyncio.wait_for(in_thread(self._spawn), START_S)
            self._watch()
            entered = await asyncio.wait_for(self._entered(first), START_S)
        except LaneUnusableError:
            raise
        except TimeoutError as error:
            raise LaneUnusableError(f"it was not ready within {START_S:g} s") from error
        except Exception as error:  # the forkserver may fail in as many ways as a connection and a fork can
            raise LaneUnusableError(f"it could not be started: {error!r}") from error
        if entered is None:
            raise LaneUnusableError("it ended before it was ready")
        if entered.problem is not None:
            raise LaneUnusableError(entered.problem)
        self.held_bytes, self.cpu_s = entered.held_bytes, entered.cpu_s

    async def _entered(self, first: Future[Entered]) -> Entered | None:
        """The answer to the first call. A process that is suspended meanwhile is not waited for."""
        waiting = self._answer(first)
        answer = asyncio.create_task(waiting)
        try:
            while not (await asyncio.wait([answer], timeout=LOOK_S))[0]:
                if self.suspended:
                    raise LaneUnusableError("it was suspended while it started")
            return answer.result()
        finally:
            answer.cancel()

    async def call(self, function: Callable[[*Ts], T], *args: *Ts) -> T | None:
        """Calls a function in the process, one call at a time. None where the process ended without an answer.

        Raises `LaneUnusableError` where the call could not be handed over.
        """
        if self._executor is None or not self.alive:
            raise LaneUnusableError("the process is gone")
        try:
            future = self._executor.submit(function, *args)
        except RuntimeError as error:  # a broken pool is one
            raise LaneUnusableError(str(error)) from error
        return await self._answer(future)

    def hand_over(self, calls: Sequence[Call]) -> None:
        """Has attempts run one after the other; `replies` has their replies. One hand-over at a time.

        Raises `LaneUnusableError`.
        """
        if self._desk is None:
            raise LaneUnusableError("the process is gone")
        self._desk.offer(calls)  # also where it is gone: what it has not begun is then there to be taken back
        if not self.alive:
            if self._desk.untaken:
                raise LaneUnusableError("the process is gone")
            return  # it was still in its call, took them, and has already died of them
        if not self._executing:
            self._execute()

    def take_back(self) -> int:
        """Of what has been handed over, takes back what the process has not begun: the last ones, so many."""
        return self._desk.take_back() if self._desk is not None else 0

    def replies(self) -> Sequence[Reply | None]:
        """What the process has told since the last look, in the order of the attempts: see `Desk.collect`.

        Ends a process that has told what is no reply.
        """
        if self._desk is None:
            return []
        replies = self._desk.collect()
        if self._desk.babbled:
            self.kill()
        return replies

    def kill(self) -> None:
        """Ends the process and its group, now or as soon as it exists."""
        self._unwanted = True
        if self._pidfd is not None and self.pid is not None and self.alive:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)

    async def bury(self) -> Ending:
        """Ends the process and what its tasks left, lets go of everything, tells how it ended. Takes ≤ 2 s, once."""
        self.kill()
        if self._pidfd is not None:
            await asyncio.wait([self._gone], timeout=BURIAL_S)
        self._unwatch()
        joined, _ = await asyncio.gather(_bounded(self._shut_down), _bounded(self._end_orphans))
        results, self._context.results = self._context.results, None  # or its semaphores would last as long as this
        if not joined and results is not None:
            results.close()  # ends the read that the executor's thread hangs in
        for descriptor in (self._pidfd, self._stat):
            if descriptor is not None:
                os.close(descriptor)
        self._pidfd = self._stat = None
        if self._desk is not None:
            self._desk.close()
            self._desk = None
        return self._ending(joined)

    # The following two run in threads.

    def _spawn(self) -> Future[Entered]:
        self._desk = desk = Desk(self._context)
        executor = ProcessPoolExecutor(1, self._context, initializer=begin, initargs=(self._setup.nice, desk.lane))
        try:
            first = executor.submit(enter, self._setup)
            self.pid = self._context.started
            self._pidfd = os.pidfd_open(self.pid)
            self._stat = os.open(f"/proc/{self.pid}/stat", os.O_RDONLY)
        except BaseException:
            executor.shutdown(wait=False)
            raise
        self._executor = executor
        if self._unwanted:  # nobody waited for it
            self.kill()
        return first

    def _shut_down(self) -> None:
        if self._executor is not None:
            self._executor.shutdown(cancel_futures=True)
            self._executor = None

    def _end_orphans(self) -> None:
        if self.pid is not None:
            end_orphans(self.pid, self._spared())

    # The rest runs on the event loop.

    def _watch(self) -> None:
        if self._pidfd is None or self._context.process is None or self._desk is None:
            raise LaneUnusableError("the process is gone")
        self._watching = [self._desk.fileno(), self._pidfd, self._context.process.sentinel]
        self._loop.add_reader(self._desk.fileno(), self._replied)
        self._loop.add_reader(self._pidfd, self._on_gone)
        self._loop.add_reader(self._context.process.sentinel, self._on_out_of_touch)

    def _unwatch(self) -> None:
        for descriptor in self._watching:
            self._loop.remove_reader(descriptor)
        self._watching = []

    def _on_gone(self) -> None:
        self._unwatch()
        self._gone.set_result(None)
        if self._waiting is not None:
            if self._broken:
                self._give_up(self._waiting)
            else:
                self._loop.call_later(UNDONE_S, self._give_up, self._waiting)
        self._died()

    def _on_out_of_touch(self) -> None:
        """The exit code came, or it never will because the forkserver died, while the process itself goes on."""
        self._loop.remove_reader(self._watching.pop())
        if self.alive:
            self.kill()

    def _execute(self) -> None:
        if self._executor is None:
            raise LaneUnusableError("the process is gone")
        try:
            future = self._executor.submit(execute)
        except RuntimeError as error:  # a broken pool is one
            raise LaneUnusableError(str(error)) from error
        self._executing = True
        future.add_done_callback(partial(self._on_loop, self._executed))

    def _executed(self, future: Future[int]) -> None:
        """The process has left its call. A hand-over that came just then is still waiting for the next."""
        self._executing = False
        if self._desk is None:
            return
        try:
            self._desk.taken(future.result())
            if self._desk.waiting:
                self._execute()
        except (Exception, CancelledError):  # the executor is broken: by the task, or by the forkserver's death
            self.kill()

    async def _answer(self, future: "Future[T]") -> T | None:
        answer: asyncio.Future[T | None] = self._loop.create_future()
        self._waiting = answer
        future.add_done_callback(partial(self._on_loop, partial(self._settle, answer)))
        try:
            return await answer
        finally:
            self._waiting = None

    def _on_loop(self, callback: Callable[[Future[T]], None], future: Future[T]) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has been closed meanwhile
            self._loop.call_soon_threadsafe(callback, future)

    def _settle(self, answer: "asyncio.Future[T | None]", future: Future[T]) -> None:
        if answer.done():
            return
        if not future.cancelled() and future.exception() is None:
            answer.set_result(future.result())
        elif self._gone.done():
            answer.set_result(None)
        else:  # the executor is broken, by the forkserver's death for example: no answer comes any more
            self._broken = True
            self.kill()

    def _give_up(self, answer: "asyncio.Future[Any]") -> None:
        if not answer.done():
            answer.set_result(None)

    def _ending(self, joined: bool) -> Ending:
        process, self._context.process = self._context.process, None
        if process is None or not joined:
            return Ending()
        code = process.known_exitcode
        with contextlib.suppress(ValueError):
            process.close()
        if code is None:
            return Ending()
        if code >= 0:
            return Ending(exit_code=code)
        return Ending(signal=_signal_name(-code))


async def _bounded(work: Callable[[], object]) -> bool:
    """Whether `work` came back, in a thread, within the time for burials."""
    try:
        await asyncio.wait_for(in_thread(work), BURIAL_S)
    except TimeoutError:
        return False
    return True


def _readable(descriptor: int) -> bool:
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(0))


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # a real-time signal
        return f"signal {number}"
