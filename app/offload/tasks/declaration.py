"""`@task(…)`: a function's own limits and price, attached to it and read when it is registered."""

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
    """A task's own limits. None: the server's default holds."""

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


Price = Callable[..., float]
"""Takes the task's parameters by name; returns about how many CPU seconds they cost.

It runs in the front desk's event loop at every submission, so it has microseconds. It may raise
`offload.errors.TooExpensiveError`.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Declaration:
    """What `@task` says about a function."""

    limits: Limits = Limits()
    price: Price | None = None


def task(
    *,
    timeout_s: float | None = None,
    memory_mb: int | None = None,
    max_attempts: int | None = None,
    price: Price | None = None,
) -> Callable[[Function], Function]:
    """Declares a task's own limits; the function stays the bare function it is.

    Raises ValueError for a limit out of range and TypeError for a price that can't be called.
    """
    if price is not None and not callable(price):
        raise TypeError(f"price is a function of the task's parameters, not {price!r}")
    declaration = Declaration(
        limits=Limits(timeout_s=timeout_s, memory_mb=memory_mb, max_attempts=max_attempts), price=price
    )

    def declare(function: Function) -> Function:
        # Above @staticmethod the decorator sees the wrapper, but the class hands out the function inside it.
        setattr(getattr(function, "__func__", function), _ATTRIBUTE, declaration)
        return function

    return declare


def declared(function: Callable[..., Any]) -> Declaration:
    """What was declared about a function, or that nothing was."""
    declaration = getattr(innermost(function), _ATTRIBUTE, None)
    return declaration if isinstance(declaration, Declaration) else Declaration()


def innermost(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function inside any `functools.partial`s, which alone has a name, a docstring and declared limits."""
    while isinstance(function, functools.partial):
        function = function.func
    return function


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: object) -> bool:
    return _is_whole(value) or isinstance(value, float)
