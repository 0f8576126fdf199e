"""From a function's signature to the model of its parameters, and back from a model to the function's arguments."""

import inspect
import types
import typing
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from inspect import Parameter
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, RootModel, create_model

from offload.tasks.context import Context, Progress


class UnsupportedSignatureError(Exception):
    """The function can't be a task. The message says what to write instead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """The parameters and the return annotation of a task's function."""

    params: type[BaseModel]
    """The body of a submission. It rejects unknown names, unless the user's own model allows them."""
    returns: Any  # the return annotation; Any when there is none
    whole: str | None
    """The name of the only parameter when it takes the model itself, else None."""
    positional: tuple[str, ...]
    """Positional-only parameters."""
    context: str | None
    progress: str | None

    def names(self) -> list[str]:
        """Return the parameters that come from the body."""
        return list(self.params.model_fields) if self.whole is None else [self.whole]

    def values(self, params: BaseModel) -> dict[str, Any]:
        """Return the function's arguments by name, without the injected ones."""
        if self.whole is not None:
            return {self.whole: params}
        return {name: getattr(params, name) for name in self.names()}

    def call(self, function: Callable[..., Any], params: BaseModel, context: Context) -> Any:
        """Call the function with its parameters and the injected arguments. Return what it returns."""
        values = self.values(params)
        if self.context is not None:
            values[self.context] = context
        if self.progress is not None:
            values[self.progress] = context.progress
        return function(*[values.pop(name) for name in self.positional], **values)


def read_signature(function: Callable[..., Any], title: str) -> Signature:
    """Read the signature; `title` names the model of the parameters. Raise `UnsupportedSignatureError`."""
    try:
        signature = inspect.signature(function, eval_str=True)
    except Exception as error:  # annotations may be text that is evaluated here, and may raise anything
        raise UnsupportedSignatureError(
            f"its annotations can't be read ({type(error).__name__}: {error}); import what they name at run time"
        ) from error
    parameters = dict(signature.parameters)
    context = _take(parameters, lambda parameter: parameter.annotation is Context)
    progress = _take(parameters, _asks_for_progress)
    for parameter in parameters.values():
        _check(parameter)
    whole = _whole(parameters)
    return Signature(
        params=_without_extras(parameters[whole].annotation) if whole else _model(title, function, parameters),
        returns=Any if signature.return_annotation is Parameter.empty else signature.return_annotation,
        whole=whole,
        positional=tuple(p.name for p in signature.parameters.values() if p.kind is Parameter.POSITIONAL_ONLY),
        context=context,
        progress=progress,
    )


def _take(parameters: dict[str, Parameter], wanted: Callable[[Parameter], bool]) -> str | None:
    name = next((name for name, parameter in parameters.items() if wanted(parameter)), None)
    if name is not None:
        del parameters[name]
    return name


def _asks_for_progress(parameter: Parameter) -> bool:
    return parameter.name == "progress" and _is_callable_type(parameter.annotation)


def _is_callable_type(annotation: Any) -> bool:  # Any: an annotation may be any object
    origin = typing.get_origin(annotation)
    if origin is Annotated:
        return _is_callable_type(typing.get_args(annotation)[0])
    if origin is typing.Union or origin is types.UnionType:
        return any(_is_callable_type(member) for member in typing.get_args(annotation))
    return annotation in (Callable, typing.Callable, Progress) or origin is Callable


def _check(parameter: Parameter) -> None:
    name = parameter.name
    if parameter.kind in (Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD):
        raise UnsupportedSignatureError(f"it takes `{parameter}`; name each parameter, or take one list or dict")
    if parameter.annotation is Parameter.empty:
        hint = "progress: Callable[[int, int], None]" if name == "progress" else f"{name}: int"
        raise UnsupportedSignatureError(f"its parameter `{name}` has no annotation; write one, such as `{hint}`")
    if _is_callable_type(parameter.annotation):
        raise UnsupportedSignatureError(f"its parameter `{name}` is a Callable; only one named `progress` can be")
    if name.startswith("_"):
        raise UnsupportedSignatureError(f"its parameter `{name}` begins with an underscore; rename it")


def _whole(parameters: Mapping[str, Parameter]) -> str | None:
    if len(parameters) != 1:
        return None
    [(name, parameter)] = parameters.items()
    kind = parameter.annotation
    # A body is a JSON object, and a RootModel's JSON may be something else: it becomes a member like any other type.
    is_model = isinstance(kind, type) and issubclass(kind, BaseModel) and not issubclass(kind, RootModel)
    return name if is_model else None


def _without_extras(model: type[BaseModel]) -> type[BaseModel]:
    """Return the user's model. It rejects unknown names, unless it sets `extra` itself."""
    if "extra" in model.model_config:
        return model
    members = {"__module__": model.__module__, "__doc__": model.__doc__, "model_config": ConfigDict(extra="forbid")}
    return type(model.__name__, (model,), members)


def _model(title: str, function: Callable[..., Any], parameters: Mapping[str, Parameter]) -> type[BaseModel]:
    fields: dict[str, Any] = {
        name: (parameter.annotation, ... if parameter.default is Parameter.empty else parameter.default)
        for name, parameter in parameters.items()
    }
    try:
        with warnings.catch_warnings():
            # A parameter may be called `schema` or `copy`: only the fields of this model are used.
            warnings.filterwarnings("ignore", message="Field name .* shadows an attribute in parent")
            return create_model(
                title,
                __config__=ConfigDict(extra="forbid", protected_namespaces=()),
                __module__=getattr(function, "__module__", None) or __name__,
                **fields,
            )
    except Exception as error:  # several classes of pydantic's, and whatever the user's own types raise
        raise UnsupportedSignatureError(f"its parameters can't be described in JSON ({first_line(error)})") from error


def first_line(error: Exception) -> str:
    """Return the first line of an error: pydantic's have many."""
    return f"{type(error).__name__}: {error}".splitlines()[0].rstrip(".")
