"""The settings of the Python interpreter that a library might change, and that the next task must not find."""

import gc
import sys


class InterpreterState:
    """The settings before the first attempt."""

    def __init__(self) -> None:
        self._tracing = sys.gettrace(), sys.getprofile()
        self._recursion = sys.getrecursionlimit()
        self._switch_interval = sys.getswitchinterval()
        self._int_digits = sys.get_int_max_str_digits()
        self._collects = gc.isenabled()
        self._threshold = gc.get_threshold()
        self._gc_debug = gc.get_debug()

    def restore(self) -> None:
        """Restore all of them."""
        sys.settrace(self._tracing[0])
        sys.setprofile(self._tracing[1])
        sys.setrecursionlimit(self._recursion)
        if sys.getswitchinterval() != self._switch_interval:
            sys.setswitchinterval(self._switch_interval)
        sys.set_int_max_str_digits(self._int_digits)
        if gc.isenabled() is not self._collects:
            (gc.enable if self._collects else gc.disable)()
        gc.set_threshold(*self._threshold)
        gc.set_debug(self._gc_debug)
