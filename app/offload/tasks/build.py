"""Builds a task from a function: its models, schemas, texts and example, or the reason why it can't be a task."""

import inspect
import warnings
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from pydantic import BaseModel

from offload.tasks.decorator import CostFunction, Limits, innermost
from offload.tasks.definition import Examiner, Task
from offload.tasks.exact_numbers import exact_numbers
from offload.tasks.example import example_of
from offload.tasks.result import ResultType, result_type
from offload.tasks.signature import Signature, UnsupportedSignatureError, first_line, read_signature


def build_task(
    name: str,
    function: Callable[..., Any],
    *,
    limits: Limits | None = None,
    cost: CostFunction | None = None,
    examine: Examiner | None = None,
) -> Task:
    """Build the task. Raise `UnsupportedSignatureError`, whose message says what to write instead."""
    signature = read_signature(function, title=_model_name(name))
    schema = _params_schema(signature.params)
    if cost is not None:
        _check_cost(cost, signature)
    summary, _, description = (inspect.getdoc(innermost(function)) or "").partition("\n")
    task = Task(
        name=name,
        summary=summary or name.replace("-", " ").capitalize(),
        description=description.strip(),
        limits=limits or Limits(),
        signature=signature,
        params_schema=schema,
        result=_result(signature.returns),
        function=function,
        cost_of=cost,
        examine=examine,
        exact=exact_numbers(signature.params),
    )
    return replace(task, example=example_of(schema, task.parse))


def _model_name(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("-")) + "Params"


def _params_schema(params: type[BaseModel]) -> dict[str, Any]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about a default that JSON can't represent: a caller need not send it
            schema = params.model_json_schema()
    except Exception as error:  # several classes of pydantic's, and whatever the user's own types raise
        raise UnsupportedSignatureError(f"its parameters can't be described in JSON ({first_line(error)})") from error
    if _has(schema, "format", "binary"):
        raise UnsupportedSignatureError("it takes bytes, which JSON can't represent; take text, such as base64")
    if _has(schema, "writeOnly", True):
        raise UnsupportedSignatureError("it takes a secret, but parameters are stored and shown as they are; take str")
    return schema


def _result(annotation: Any) -> ResultType:  # Any: any annotation
    try:
        result = result_type(annotation)
    except Exception as error:  # as above
        raise UnsupportedSignatureError(
            f"its return annotation can't be described in JSON ({first_line(error)}); return plain data or a model"
        ) from error
    if _has(result.schema, "format", "binary"):
        raise UnsupportedSignatureError("it returns bytes, which JSON can't represent; return text, such as base64")
    return result


def _check_cost(cost: CostFunction, signature: Signature) -> None:
    names = signature.names()
    try:
        inspect.signature(cost).bind(**dict.fromkeys(names))
    except TypeError as error:
        raise UnsupportedSignatureError(
            f"its cost function must take the task's own parameters, {_listed(names)}"
        ) from error


def _has(schema: object, key: str, value: object) -> bool:
    if isinstance(schema, dict):
        return schema.get(key) == value or any(_has(member, key, value) for member in schema.values())
    return isinstance(schema, list) and any(_has(member, key, value) for member in schema)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in sorted(names)) or "none"
