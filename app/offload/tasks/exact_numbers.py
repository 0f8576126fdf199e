"""Keeps the digits of JSON numbers that a task reads as `Decimal`.

pydantic reads a JSON number with a fraction as a float first: 100000000000000.37 becomes 100000000000000.38, and 1.10
becomes 1.1. It reads text exactly. So a number becomes text where the model has `Decimal`. Where something else may
read it, it stays a number: in a union with `str` or `float`, and before a validator that gets what was sent.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from pydantic import BaseModel

Schema = Mapping[str, Any]  # one of pydantic's core schemas, which have many shapes

_SCALARS = frozenset({"none", "int", "bool", "literal"})
_NUMBERS_AND_TEXT = frozenset({"decimal", "float", "str"})
_OBJECTS = frozenset({"model-fields", "dataclass-args", "typed-dict", "dict"})
_ARRAYS = frozenset({"list", "tuple", "set", "frozenset", "generator"})

_WRAPPERS = frozenset({"definitions", "model", "dataclass", "default", "nullable", "function-after"})
"""Schemas of a value that has another schema, too. A validator that gets the value as it was sent is none of them."""


def exact_numbers(model: type[BaseModel]) -> Callable[[bytes], bytes]:
    """Return a function that rewrites the JSON of a model so that pydantic reads each `Decimal` exactly."""
    schema: Schema = model.__pydantic_core_schema__
    if not _has_decimal(schema):
        return lambda body: body
    definitions = {each["ref"]: each for each in schema.get("definitions", ())}

    def rewrite(body: bytes) -> bytes:
        try:
            return json.dumps(_rewritten(schema, _decode(body.decode()), definitions), ensure_ascii=False).encode()
        except (ValueError, RecursionError):  # pydantic says what is wrong with it
            return body

    return rewrite


def _has_decimal(schema: object) -> bool:
    if isinstance(schema, dict):
        return schema.get("type") == "decimal" or any(map(_has_decimal, schema.values()))
    return isinstance(schema, list | tuple) and any(map(_has_decimal, schema))


class _Number(float):
    """A JSON number with a fraction or an exponent, and its text. It is written as a float."""

    text: str


def _number(text: str) -> _Number:
    number = _Number(text)
    number.text = text
    return number


_decode = json.JSONDecoder(parse_float=_number).decode


def _rewritten(schema: Schema, value: Any, definitions: Mapping[str, Schema]) -> Any:  # Any: a JSON value
    """Return a JSON value with text instead of each number that `Decimal` reads."""
    schema = _inner(schema, value, definitions)
    if isinstance(value, _Number):
        return value.text if schema["type"] == "decimal" else value
    if isinstance(value, dict):
        return value | {key: _rewritten(each, value[key], definitions) for key, each in _members(schema, value)}
    if isinstance(value, list):
        return [_rewritten(each, item, definitions) for each, item in zip(_items(schema, value), value, strict=True)]
    return value


_OTHER: Schema = {"type": "other"}


def _inner(schema: Schema, value: Any, definitions: Mapping[str, Schema]) -> Schema:
    """Return the schema that reads a value itself: within wrappers, and of the choices of a union."""
    while True:
        match schema["type"]:
            case kind if kind in _WRAPPERS:
                schema = schema["schema"]
            case "definition-ref":
                schema = definitions.get(schema["schema_ref"], _OTHER)
            case "json-or-python":
                schema = schema["json_schema"]
            case "tagged-union":
                tag = value.get(schema["discriminator"]) if isinstance(value, dict) else None
                schema = schema["choices"].get(tag, _OTHER) if isinstance(tag, str) else _OTHER
            case "union":
                schema = _choice(schema["choices"], value, definitions)
            case _:
                return schema


def _choice(choices: list[Any], value: Any, definitions: Mapping[str, Schema]) -> Schema:
    """Return the schema of a union that reads a value, if all others can't; else `_OTHER`."""
    if isinstance(value, _Number):
        others = _SCALARS | _OBJECTS | _ARRAYS
    else:
        others = _SCALARS | _NUMBERS_AND_TEXT | (_ARRAYS if isinstance(value, dict) else _OBJECTS)
    inner = [_inner(each[0] if isinstance(each, tuple) else each, value, definitions) for each in choices]
    able = [each for each in inner if each["type"] not in others]
    return able[0] if len(able) == 1 else _OTHER


def _members(schema: Schema, value: Mapping[str, Any]) -> Iterator[tuple[str, Schema]]:
    """Yield the names in an object, each with its schema."""
    if schema["type"] == "dict" and "values_schema" in schema:
        yield from ((key, schema["values_schema"]) for key in value)
        return
    fields = schema.get("fields", {})
    named = fields.items() if isinstance(fields, dict) else [(each["name"], each) for each in fields if "name" in each]
    for name, field in named:
        for key in (name, *_aliases(field.get("validation_alias"))):
            if key in value:
                yield key, field["schema"]


def _aliases(alias: str | list[Any] | None) -> list[str]:
    """Return the names that an alias stands for. A path into an object is none."""
    if isinstance(alias, list):
        paths = [each if isinstance(each, list) else [each] for each in alias]
        return [path[0] for path in paths if len(path) == 1 and isinstance(path[0], str)]
    return [] if alias is None else [alias]


def _items(schema: Schema, value: list[Any]) -> list[Schema]:
    """Return the schema of each item of an array."""
    items = schema.get("items_schema", _OTHER)
    if schema["type"] == "named-tuple":
        items = [each["schema"] for each in schema["fields"]]
    elif isinstance(items, dict):
        return [items] * len(value)
    elif (variadic := schema.get("variadic_item_index")) is not None:
        more = len(value) - len(items) + 1
        items = [*items[:variadic], *[items[variadic]] * more, *items[variadic + 1 :]]
    return [*items, *[_OTHER] * len(value)][: len(value)]
