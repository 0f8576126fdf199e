"""`@task(…)`: sets a function's own limits and its cost. They are read when the function is registered."""

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from offload.options import MAX_ATTEMPTS

Function = TypeVar("Function", bound=Callable[..., Any])

_ATTRIBUTE = "__offload_task__"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """A task's own limits. None: the server's default applies."""

    timeout_s: float | None = None
    memory_mb: int | None = None
    max_attempts: int | None = None

    def __post_init__(self) -> None:
        if self.timeout_s is not None and not (_is_number(self.timeout_s) and 0 < self.timeout_s < math.inf):
            raise ValueError(f"timeout_s is a number of seconds above 0, not {self.timeout_s!r}")
        if self.memory_mb is not None and not (_is_whole(self.memory_mb) and self.memory_mb > 0):
            raise ValueError(f"memory_mb is a whole number of MiB above 0, not {self.memory_mb!r}")
        if self.max_attempts is not None and not (
            _is_whole(self.max_attempts) and 1 <= self.max_attempts <= MAX_ATTEMPTS
        ):
            raise ValueError(f"max_attempts is a whole number from 1 to {MAX_ATTEMPTS}, not {self.max_attempts!r}")


CostFunction = Callable[..., float]
"""Takes the task's parameters by name and returns the estimated cost in CPU seconds.

It runs in the server's event loop at every submission, so it should take microseconds. It may raise
`offload.errors.TooExpensiveError`.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskOptions:
    """The arguments of `@task`."""

    limits: Limits = Limits()
    cost: CostFunction | None = None


def task(
    *,
    timeout_s: float | None = None,
    memory_mb: int | None = None,
    max_attempts: int | None = None,
    cost: CostFunction | None = None,
    price: CostFunction | None = None,
) -> Callable[[Function], Function]:
    """Set a task's own limits and its cost. The decorated function is returned unchanged.

    `price` is an alias of `cost`, for functions that were written before it had this name. Raise ValueError for a limit
    out of range or for both names, and TypeError for a cost that can't be called.
    """
    if cost is not None and price is not None:
        raise ValueError("cost and price are two names of one option: give cost alone")
    cost = price if cost is None else cost
    if cost is not None and not callable(cost):
        raise TypeError(f"cost is a function of the task's parameters, not {cost!r}")
    options = TaskOptions(limits=Limits(timeout_s=timeout_s, memory_mb=memory_mb, max_attempts=max_attempts), cost=cost)

    def decorate(function: Function) -> Function:
        # Above @staticmethod the decorator gets the wrapper, but the class returns the function inside it.
        setattr(getattr(function, "__func__", function), _ATTRIBUTE, options)
        return function

    return decorate


def options_of(function: Callable[..., Any]) -> TaskOptions:
    """Return the function's options, or the defaults when it was not decorated."""
    options = getattr(innermost(function), _ATTRIBUTE, None)
    return options if isinstance(options, TaskOptions) else TaskOptions()


def innermost(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return the function inside any `functools.partial`s: it has the name, the docstring and the options."""
    while isinstance(function, functools.partial):
        function = function.func
    return function


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: object) -> bool:
    return _is_whole(value) or isinstance(value, float)
