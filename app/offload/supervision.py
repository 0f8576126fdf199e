"""Background work that must not end: a failure is logged and reported by the readiness check, and it starts again."""

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine

import structlog

from offload.backoff import pauses

FIRST_PAUSE_S = 0.1
"""The pause after the first failure. It doubles with each further one, up to `backoff.MAX_PAUSE_S`."""

STEADY_S = 2.0
"""Work that has run for so long since it was started again is no longer reported, and its next pause is short again."""

Work = Callable[[], Coroutine[object, object, object]]

log = structlog.get_logger()


class Supervisor:
    """Runs the background work of one service. Belongs to the event loop."""

    def __init__(self) -> None:
        self.failures: Counter[str] = Counter()
        """How often each work has failed: 0 for work that was started and never failed."""
        self._stalled: dict[object, str] = {}

    def start(self, name: str, work: Work) -> "asyncio.Task[None]":
        """Run `work` in a task, as `run` does. The caller keeps the task, and ends the work by cancelling it."""
        return asyncio.create_task(self.run(name, work), name=name)

    async def run(self, name: str, work: Work) -> None:
        """Call `work`, again after each failure, until it returns or the caller is cancelled.

        Any exception is a failure, except for the two that end the process. A `CancelledError` is one, too, when
        nobody has cancelled the caller: `work` has awaited something that was cancelled.
        """
        loop, this, retries = asyncio.get_running_loop(), object(), pauses(FIRST_PAUSE_S)
        self.failures[name] += 0  # a rate needs the 0 before the 1
        try:
            while True:
                await asyncio.sleep(next(retries))
                steady = loop.call_later(STEADY_S, self._stalled.pop, this, None)
                try:
                    await work()
                except BaseException as error:
                    if _must_end(error):
                        raise
                    self._note(name, error, this, f"{name} failed and is started again: {error!r}.")
                    if steady.when() < loop.time():
                        retries = pauses(FIRST_PAUSE_S)
                else:
                    return
                finally:
                    steady.cancel()
        finally:
            self._stalled.pop(this, None)

    def note(self, name: str, error: BaseException) -> None:
        """Log, count and report a failure of work that continues by itself."""
        this = object()
        self._note(name, error, this, f"{name} failed and continues: {error!r}.")
        asyncio.get_running_loop().call_later(STEADY_S, self._stalled.pop, this, None)

    def _note(self, name: str, error: BaseException, which: object, sentence: str) -> None:
        log.error("background work failed", work=name, exc_info=error)
        self.failures[name] += 1
        self._stalled[which] = sentence

    async def check(self) -> str | None:
        """Return None if no work has failed lately, else sentences that say which and why."""
        return " ".join(dict.fromkeys(self._stalled.values())) or None


def _must_end(error: BaseException) -> bool:
    if isinstance(error, asyncio.CancelledError):
        task = asyncio.current_task()
        return task is None or task.cancelling() > 0
    return isinstance(error, KeyboardInterrupt | SystemExit | GeneratorExit)
