"""From a call of a function to the task it stands for and its parameters."""

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from pydantic import BaseModel

TaskLike: TypeAlias = Callable[..., Any] | str
"""The name of a task, or a function with the name and the parameters of one."""


def bind(task: TaskLike, args: Sequence[Any], kwargs: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    """Return the name of the task, and its parameters.

    For a function, it is the function's name with dashes for underscores, as the service names it; positional arguments
    have the names that the function gives them. Raises TypeError where they don't fit.
    """
    if isinstance(task, str):
        if args:
            raise TypeError(f"Positional arguments have no names in {task!r}. Pass them by name, or pass a function.")
        return task, dict(kwargs)
    function: Any = task  # Any: a partial has `func`, and a callable object may have no `__name__`
    while isinstance(function, functools.partial):
        args, kwargs = (*function.args, *args), {**function.keywords, **kwargs}
        function = function.func
    name = getattr(function, "__name__", "")
    if not name.isidentifier():
        raise TypeError(f"{function!r} has no name that a task could have. Register a function with the service.")
    return name.replace("_", "-"), _params(function, args, kwargs)


def _params(function: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> Mapping[str, Any]:
    signature = inspect.signature(function)
    bound = signature.bind_partial(*args, **kwargs).arguments  # the service may add what is missing: `progress`
    params: dict[str, Any] = {}
    for name, value in bound.items():
        match signature.parameters[name].kind:
            case inspect.Parameter.VAR_POSITIONAL:
                raise TypeError(f"{function.__name__}() takes any number of arguments, so they have no names.")
            case inspect.Parameter.VAR_KEYWORD:
                params |= value
            case _:
                params[name] = value
    if len(params) == 1 and not signature.parameters.keys() - params.keys() - {"progress"}:
        (only,) = params.values()
        if isinstance(only, BaseModel):  # a function with one model as its parameter takes it as the whole body
            return only.model_dump(mode="json")
    return params
