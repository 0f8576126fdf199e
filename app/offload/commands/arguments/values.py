"""Reads `name=value` arguments by the task's JSON Schema: strings as plain text, everything else as JSON."""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from math import isinf
from pathlib import Path
from typing import Any, NoReturn

import typer

Schema = Mapping[str, Any]  # JSON Schema

_TYPES = {bool: "boolean", int: "integer", float: "number", list: "array", dict: "object", type(None): "null"}


def read_params(given: Sequence[str], base: object, schema: Schema) -> Any:
    """Returns the parameters: `base`, updated with each `name=value` of `given`.

    Unknown names and values of a wrong type are sent as they are: the service rejects them with a better message.
    Raises `typer.BadParameter` for an argument that is not `name=value`.
    """
    if not isinstance(base, dict):
        raise typer.BadParameter("--params must be a JSON object.")
    return base | dict(_read(each, schema) for each in given)


def _read(given: str, schema: Schema) -> tuple[str, object]:
    name, equals, text = given.partition("=")
    if not (name and equals):
        raise typer.BadParameter(f"{given!r} is not name=value.")
    if text.startswith("@@"):  # an escaped @
        text = text[1:]
    elif text.startswith("@"):
        text = read_text(text[1:])
    return name, read_value(text, set(types_of(schema.get("properties", {}).get(name, {}), schema)))


def read_value(text: str, types: set[str]) -> object:
    """Returns the value that a text stands for, where JSON of these types is expected; an empty set allows any."""
    if types == {"string"}:
        return text
    try:
        value = parsed(text)
    except ValueError:  # also raised for an integer of more digits than Python converts
        return text
    wanted = _TYPES.get(type(value), "string")
    if not types or wanted in types or (wanted == "integer" and "number" in types):
        return value
    return text if "string" in types else value


def types_of(wanted: Schema, schema: Schema) -> Iterator[str]:
    """Yields the JSON types that a parameter accepts; nothing where its schema names none."""
    if (name := wanted.get("$ref", "")).startswith("#/$defs/"):
        yield from types_of(schema.get("$defs", {}).get(name.removeprefix("#/$defs/"), {}), schema)
    for choice in (*wanted.get("anyOf", ()), *wanted.get("oneOf", ())):
        yield from types_of(choice, schema)
    named = wanted.get("type", ())
    yield from (named,) if isinstance(named, str) else named
    if not named:
        yield from (_TYPES.get(type(choice), "string") for choice in wanted.get("enum", ()))


def _reject_constant(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


def _finite(text: str) -> float:
    number = float(text)
    if isinf(number):
        raise ValueError(f"{text[:100]} is beyond the range of a double")
    return number


def parsed(text: str) -> Any:
    """Parses JSON. Raises `ValueError`, also for NaN, Infinity, 1e400 and nesting that is too deep."""
    try:
        plain = text.removeprefix("\ufeff")  # a byte order mark
        return json.loads(plain, parse_float=_finite, parse_constant=_reject_constant)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def read_json(text: str, what: str) -> Any:
    """Reads JSON from the argument itself, a file (`@FILE`) or stdin (`-`). Raises `typer.BadParameter`."""
    source = read_text(text.removeprefix("@")) if text == "-" or text.startswith("@") else text
    try:
        return parsed(source)
    except ValueError as error:
        raise typer.BadParameter(f"{what} is not JSON: {error}") from None


def read_text(file: str) -> str:
    """Reads text from a file or stdin (`-`). Raises `typer.BadParameter`."""
    try:
        return read_bytes(file).decode()
    except ValueError:
        raise typer.BadParameter(f"{file} is not UTF-8 text.") from None


def read_bytes(file: str) -> bytes:
    """Reads bytes from a file or stdin (`-`). Raises `typer.BadParameter`."""
    try:
        return read_all(file)
    except (OSError, ValueError) as error:
        raise typer.BadParameter(f"Can't read {file!r}: {getattr(error, 'strerror', error)}") from None


def read_all(file: str) -> bytes:
    """Reads bytes from a file or stdin (`-`). Raises OSError."""
    return sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
