"""The options of a submission as options of a command."""

import inspect
from collections.abc import Callable
from inspect import Parameter
from types import GenericAlias
from typing import Annotated, Any, TypeVar, get_args

import typer

from offload.options import OPTIONS, Option

Command = TypeVar("Command", bound=Callable[..., None])


def with_submit_options(command: Command) -> Command:
    """Give a command, in place of its `**options`, an option for each of `SubmitOptions`."""
    signature = inspect.signature(command)
    parameters = list(signature.parameters.values())[:-1]
    place = next(at for at, one in enumerate(parameters) if one.kind is Parameter.KEYWORD_ONLY)
    parameters[place:place] = map(_parameter, OPTIONS.values())
    command.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]  # `inspect` reads it
    return command


def typer_option(option: Option) -> Any:  # Any, as `typer.Option` returns it
    """Return Typer's description of an option."""
    notes = [option.surface.description]
    bounds = {name: getattr(one, name) for one in option.bounds.metadata for name in ("ge", "le") if hasattr(one, name)}
    if bounds.keys() == {"ge", "le"}:
        notes.append(f"From {bounds['ge']} to {bounds['le']}.")
    if option.surface.default is not None:
        notes.append(f"Default: {option.surface.default}.")
    if option.repeatable:
        notes.append("Repeatable.")
    return typer.Option(option.flag, metavar=option.surface.metavar, help=" ".join(notes))


def _parameter(option: Option) -> Parameter:
    plain: Any = option.type
    if option.repeatable:
        item = get_args(plain)[0]
        plain = GenericAlias(list, getattr(item, "__origin__", item))  # Typer takes no `list[Annotated[…]]`
    annotation = Annotated[plain | None, typer_option(option)]
    return Parameter(option.name, Parameter.KEYWORD_ONLY, default=None, annotation=annotation)
