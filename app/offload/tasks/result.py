"""A task's result as JSON: its schema from the return annotation, its bytes from the value."""

import json
from dataclasses import dataclass
from typing import Any, Never, NoReturn

from pydantic import ConfigDict, TypeAdapter

from offload.tasks.faults import ResultNotSerializableError

# Made once, before any task runs: one that puts another `json.dumps` in place must not fail all that come after it.
_encode = json.JSONEncoder(allow_nan=False, ensure_ascii=False, separators=(",", ":")).encode

_CARRIES = (
    "JSON carries text, true, false, null, finite numbers, lists and objects. Return bytes as text (hex or base64), "
    "NaN and infinity as null, and an integer of more than 4300 digits as text."
)


@dataclass(frozen=True, slots=True)
class ResultType:
    """What a task returns. The JSON follows the annotation, as pydantic does; a value that is not what the annotation
    says is written for what it is, since Python does not hold functions to their annotations either.
    """

    schema: dict[str, Any]  # a JSON Schema
    adapter: TypeAdapter[tuple[Any]]  # of a tuple of the one value: a bare model refuses a config that is not its own

    def write(self, value: object) -> bytes:
        """The value as compact JSON. Raises `ResultNotSerializableError`, which says what JSON can't carry."""
        try:
            plain = self.adapter.dump_python((value,), mode="json", warnings="none")[0]
            _refuse_bytes(value)
            # pydantic's own writer makes null of a NaN, and writes an integer that Python's reader then refuses.
            return _encode(plain).encode()
        except (TypeError, ValueError, RecursionError) as error:
            raise ResultNotSerializableError(f"The result can't be written as JSON: {error}. {_CARRIES}") from error


def result_type(annotation: Any) -> ResultType:  # Any: whatever stands behind the arrow
    """Reads a return annotation. Raises pydantic's errors for what it can't describe."""
    if annotation is Never or annotation is NoReturn:  # it only ends by raising: described as returning nothing
        annotation = None
    return ResultType(
        schema=TypeAdapter(annotation).json_schema(mode="serialization"),
        adapter=TypeAdapter(tuple[annotation], config=ConfigDict(ser_json_inf_nan="constants")),
    )


_SCALARS = frozenset({str, int, float, bool, type(None)})


def _refuse_bytes(value: object) -> None:
    """pydantic writes bytes that happen to be UTF-8 as text, so whether a job succeeds would depend on its data."""
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
