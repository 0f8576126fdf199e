"""A task's result as JSON: the schema comes from the return annotation, the bytes from the value."""

import json
from dataclasses import dataclass
from typing import Any, Never, NoReturn

from pydantic import ConfigDict, TypeAdapter

from offload.tasks.faults import ResultNotSerializableError
from offload.tasks.result_values import check_values, not_finite, place, plain, reject_alike, type_name

# Made now, before any task runs: a task that replaces `json.dumps` must not make later tasks fail.
_encode = json.JSONEncoder(allow_nan=False, ensure_ascii=False, separators=(",", ":")).encode
_decode = json.JSONDecoder(object_pairs_hook=reject_alike).decode

_ALLOWED = (
    "JSON has text, true, false, null, finite numbers, lists and objects. Return bytes as text (hex or base64), "
    "NaN and infinity as null, and an integer of more than 4300 digits as text."
)


@dataclass(frozen=True, slots=True)
class ResultType:
    """The type that a task returns. The JSON follows the annotation, by pydantic's rules.

    A value of another type is written by its own type: Python does not enforce annotations either.
    """

    schema: dict[str, Any]  # a JSON Schema
    adapter: TypeAdapter[tuple[Any]]  # of a tuple with the value: a model alone rejects a foreign config

    def write(self, value: object) -> bytes:
        """Return the value as compact JSON. Raise `ResultNotSerializableError`, which says what is wrong, and where."""
        try:
            return _write(self.adapter, value)
        except _WRONG as error:
            path, part = place(value, _fails)
            reason = f"{error}" if path == "result" else f"{path} ({type_name(part)}): {_why(part) or error}"
            raise ResultNotSerializableError(f"The result can't be written as JSON: {reason}. {_ALLOWED}") from error


_WRONG = (TypeError, ValueError, RecursionError)

_ANYTHING: TypeAdapter[tuple[Any]] = TypeAdapter(tuple[Any], config=ConfigDict(ser_json_inf_nan="constants"))


def _write(adapter: TypeAdapter[tuple[Any]], value: object) -> bytes:
    written = adapter.dump_python((value,), mode="json", by_alias=True, warnings="none", fallback=plain)[0]
    # pydantic's own writer writes NaN as null, and integers that are too long for Python's reader.
    text = _encode(written).encode()
    if check_values(value):  # `dump_python` keeps one of two members with the same name, and `dump_json` both
        _decode(adapter.dump_json((value,), by_alias=True, warnings="none", fallback=plain).decode())
    return text


def _why(value: object) -> Exception | None:
    """Return why a part of a result can't be written; None if it can, apart from the whole."""
    try:
        _write(_ANYTHING, value)
    except _WRONG as error:
        return error
    return None


def _fails(value: object) -> bool:
    return _why(value) is not None or not_finite(value)  # a model of its own would write NaN as null


def result_type(annotation: Any) -> ResultType:  # Any: any annotation
    """Read a return annotation. Raise pydantic's errors for a type that it can't describe."""
    if annotation is Never or annotation is NoReturn:  # the function only raises: described as returning nothing
        annotation = None
    return ResultType(
        schema=TypeAdapter(annotation).json_schema(mode="serialization"),
        adapter=TypeAdapter(tuple[annotation], config=ConfigDict(ser_json_inf_nan="constants")),
    )
