"""A task's result as JSON: the schema comes from the return annotation, the bytes from the value."""

import json
from dataclasses import dataclass
from typing import Any, Never, NoReturn

from pydantic import ConfigDict, TypeAdapter

from offload.tasks.faults import ResultNotSerializableError

# Made now, before any task runs: a task that replaces `json.dumps` must not make later tasks fail.
_encode = json.JSONEncoder(allow_nan=False, ensure_ascii=False, separators=(",", ":")).encode

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
        """Return the value as compact JSON. Raise `ResultNotSerializableError`, which says what is wrong."""
        try:
            plain = self.adapter.dump_python((value,), mode="json", warnings="none")[0]
            _reject_bytes(value)
            # pydantic's own writer writes NaN as null, and integers that are too long for Python's reader.
            return _encode(plain).encode()
        except (TypeError, ValueError, RecursionError) as error:
            raise ResultNotSerializableError(f"The result can't be written as JSON: {error}. {_ALLOWED}") from error


def result_type(annotation: Any) -> ResultType:  # Any: any annotation
    """Read a return annotation. Raise pydantic's errors for a type that it can't describe."""
    if annotation is Never or annotation is NoReturn:  # the function only raises: described as returning nothing
        annotation = None
    return ResultType(
        schema=TypeAdapter(annotation).json_schema(mode="serialization"),
        adapter=TypeAdapter(tuple[annotation], config=ConfigDict(ser_json_inf_nan="constants")),
    )


_SCALARS = frozenset({str, int, float, bool, type(None)})


def _reject_bytes(value: object) -> None:
    """Raise TypeError for bytes. pydantic writes bytes that are UTF-8 as text, so success would depend on the data."""
    todo = [value]
    while todo:
        item = todo.pop()
        if type(item) in _SCALARS:
            continue
        if isinstance(item, bytes | bytearray | memoryview):
            raise TypeError(f"there are {type(item).__name__} in it")
        if isinstance(item, dict):
            todo.extend(item)
            todo.extend(item.values())
        elif isinstance(item, list | tuple | set | frozenset):
            todo.extend(item)
