"""Counts what Python code does, independent of the machine's speed: an upper bound that grows as the time does.

Counted are the lines that run, the text that each built-in method of a text could read, and each text that a variable
gets: a slice is a copy. A regular expression counts as one step here; `tests.support.patterns` judges those.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any

TEXTS = (str, bytes, bytearray)

CONSTANT = {"startswith", "endswith"}
"""Methods that read no more than their argument."""


class Steps:
    """The steps of the code inside of `counted`."""

    def __init__(self) -> None:
        self.number = 0
        self._seen: dict[tuple[int, str], int] = {}
        """The identity of the text that a variable of a frame had last."""

    @contextmanager
    def counted(self) -> Iterator[None]:
        """Counts what this thread runs. Coverage and debuggers see nothing of it."""
        tracer, profiler = sys.gettrace(), sys.getprofile()
        sys.settrace(self._trace)
        sys.setprofile(self._profile)
        try:
            yield
        finally:
            sys.setprofile(profiler)
            sys.settrace(tracer)

    def _trace(self, frame: FrameType, event: str, _: object) -> Callable[..., Any]:  # as `sys.settrace` wants it
        if event == "line":
            self.number += 1
            for name, value in frame.f_locals.items():
                if isinstance(value, TEXTS) and self._seen.get((id(frame), name)) != id(value):
                    self._seen[id(frame), name] = id(value)
                    self.number += len(value)
        return self._trace

    def _profile(self, _: FrameType, event: str, called: Any) -> None:  # any built-in function
        if event == "c_call":
            text = getattr(called, "__self__", None)
            if isinstance(text, TEXTS) and called.__name__ not in CONSTANT:
                self.number += len(text)


def steps_of(function: Callable[[], object]) -> int:
    """Returns the steps of a call. Whatever it raises is an outcome like any other."""
    steps = Steps()
    with steps.counted(), suppress(Exception):  # a parser may reject the text in any way; others test how
        function()
    return steps.number
