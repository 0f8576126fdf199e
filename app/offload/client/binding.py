"""Which task a function stands for, and which parameters its arguments are."""

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from pydantic import BaseModel

TaskLike: TypeAlias = Callable[..., Any] | str
"""A task by its name, or a function that has the name and the parameters of one."""


def bind(task: TaskLike, args: Sequence[Any], kwargs: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    """The task's name, and the parameters.

    A function's name counts with underscores as dashes, which is how the service names it, and its positional arguments
    by the names it has for them. Raises TypeError where they don't fit.
    """
    if isinstance(task, str):
        if args:
            raise TypeError(f"Positional arguments have no names in {task!r}; give them by name, or give a function.")
        return task, dict(kwargs)
    function: Any = task  # of a partial, and of what has no name, the checker knows too little
    while isinstance(function, functools.partial):
        args, kwargs = (*function.args, *args), {**function.keywords, **kwargs}
        function = function.func
    name = getattr(function, "__name__", "")
    if not name.isidentifier():
        raise TypeError(f"{function!r} has no name that a task could have. Register a function with the service.")
    return name.replace("_", "-"), _params(function, args, kwargs)


def _params(function: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> Mapping[str, Any]:
    signature = inspect.signature(function)
    bound = signature.bind_partial(*args, **kwargs).arguments  # what is missing, the service may have: `progress`
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
        if isinstance(only, BaseModel):  # such a function takes its model as the whole body
            return only.model_dump(mode="json")
    return params
