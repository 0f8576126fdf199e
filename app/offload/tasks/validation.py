"""Validates parameters strictly, whatever the validators of the task raise."""

import json
from collections.abc import Callable

from pydantic import BaseModel, ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError

from offload.tasks.strict_json import Place, reject_ambiguous


def validate(model: type[BaseModel], body: bytes, exact: Callable[[bytes], bytes] = bytes) -> BaseModel:
    """Return the parameters. No number is read from text, no integer from 1.0 or true, no unknown or repeated name.

    `exact` rewrites them first: see `exact_numbers`. Raise `ValidationError`, also for what a validator raises besides
    ValueError and AssertionError, which pydantic lets through: it was raised because of the parameters.
    """
    try:
        values = model.model_validate_json(exact(body), strict=True)
    except ValidationError:
        raise
    except (Exception, SystemExit) as error:
        details = InitErrorDetails(type=_problem(error), loc=_place(model, body), input=None)
        raise ValidationError.from_exception_data(model.__name__, [details]) from error
    reject_ambiguous(body, values)
    return values


def describe(error: BaseException) -> str:
    """Return the type and message of an exception, in one line."""
    try:
        message = " ".join(str(error).split())
    except Exception:  # from the exception's own __str__
        message = ""
    return f"{type(error).__name__}: {message}" if message else type(error).__name__


def _problem(error: BaseException) -> PydanticCustomError:
    return PydanticCustomError("validator_failed", "The task's validator raised {error}", {"error": describe(error)})


def _place(model: type[BaseModel], body: bytes) -> Place:
    """Return the parameter whose validator raises, or () for a validator of the whole model."""
    members = json.loads(body)
    if not isinstance(members, dict) or _raises(model, b"{}"):
        return ()
    alone = ((name, json.dumps({name: value}).encode()) for name, value in members.items())
    return next(((name,) for name, body in alone if _raises(model, body)), ())


def _raises(model: type[BaseModel], body: bytes) -> bool:
    try:
        model.model_validate_json(body, strict=True)
    except ValidationError:
        return False
    except (Exception, SystemExit):
        return True
    return False
