"""The signal handlers, the signal mask and the timers of a lane's process."""

import faulthandler
import signal
from _signal import getsignal  # type: ignore[import-not-found]  # that of `signal` makes enums: 1 µs, for 60 signals

from offload.worker.setup import survive_stop_signals

TIMERS = (signal.ITIMER_REAL, signal.ITIMER_VIRTUAL, signal.ITIMER_PROF)
"""Each ends with a signal that kills a process without a handler for it."""


class SignalState:
    """The state before the first attempt."""

    def __init__(self) -> None:
        self._handlers = [(number, getsignal(number)) for number in map(int, signal.valid_signals())]
        self._mask = signal.pthread_sigmask(signal.SIG_BLOCK, ())

    def restore(self) -> None:
        """Restore handlers and mask, and stop the timers."""
        for timer in TIMERS:
            signal.setitimer(timer, 0)
        faulthandler.cancel_dump_traceback_later()  # it can end the process, too
        signal.set_wakeup_fd(-1)  # it may be a descriptor of another file by now
        changed = [(number, handler) for number, handler in self._handlers if getsignal(number) is not handler]
        for number, handler in changed:
            signal.signal(number, handler)
        if changed:
            survive_stop_signals()
        signal.pthread_sigmask(signal.SIG_SETMASK, self._mask)
