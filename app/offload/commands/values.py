"""Reads `name=value` as a task's schema wants it: text without quotes, everything else as JSON."""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

import typer

Schema = Mapping[str, Any]  # JSON Schema, as the service made it

_TYPES = {bool: "boolean", int: "integer", float: "number", list: "array", dict: "object", type(None): "null"}


def read_params(given: Sequence[str], base: object, schema: Schema) -> Any:
    """The parameters: those of `base`, with each `name=value` of `given` instead or besides.

    Names that the task does not have, and values that do not fit, are left for the service to refuse: it knows best
    what to say. Raises `typer.BadParameter` for what is no `name=value`.
    """
    if not isinstance(base, dict):
        raise typer.BadParameter("--params must be a JSON object.")
    return base | dict(_read(each, schema) for each in given)


def _read(given: str, schema: Schema) -> tuple[str, object]:
    name, equals, text = given.partition("=")
    if not (name and equals):
        raise typer.BadParameter(f"{given!r} is not name=value.")
    if text.startswith("@@"):  # text that begins with one
        text = text[1:]
    elif text.startswith("@"):
        text = read_text(text[1:])
    return name, read_value(text, set(types_of(schema.get("properties", {}).get(name, {}), schema)))


def read_value(text: str, types: set[str]) -> object:
    """What a text stands for where these types of JSON are wanted; an empty set: any."""
    if types == {"string"}:
        return text
    try:
        value = parsed(text)
    except ValueError:  # also a number of more digits than Python reads
        return text
    wanted = _TYPES.get(type(value), "string")
    if not types or wanted in types or (wanted == "integer" and "number" in types):
        return value
    return text if "string" in types else value


def types_of(wanted: Schema, schema: Schema) -> Iterator[str]:
    """The types of JSON that a parameter takes; nothing where its schema does not tell."""
    if (name := wanted.get("$ref", "")).startswith("#/$defs/"):
        yield from types_of(schema.get("$defs", {}).get(name.removeprefix("#/$defs/"), {}), schema)
    for choice in (*wanted.get("anyOf", ()), *wanted.get("oneOf", ())):
        yield from types_of(choice, schema)
    named = wanted.get("type", ())
    yield from (named,) if isinstance(named, str) else named
    if not named:
        yield from (_TYPES.get(type(choice), "string") for choice in wanted.get("enum", ()))


def _no_json(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


def parsed(text: str) -> Any:
    """The value of some JSON. Raises `ValueError`, also for NaN and its kin and for nesting that is too deep."""
    try:
        return json.loads(text.removeprefix("\ufeff"), parse_constant=_no_json)  # a byte order mark
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def read_json(text: str, what: str) -> Any:
    """JSON of the command line, of a file (`@FILE`) or of stdin (`-`). Raises `typer.BadParameter`."""
    source = read_text(text.removeprefix("@")) if text == "-" or text.startswith("@") else text
    try:
        return parsed(source)
    except ValueError as error:
        raise typer.BadParameter(f"{what} is not JSON: {error}") from None


def read_text(file: str) -> str:
    """The text in a file, or of stdin (`-`). Raises `typer.BadParameter`."""
    try:
        return read_bytes(file).decode()
    except ValueError:
        raise typer.BadParameter(f"{file} is not text in UTF-8.") from None


def read_bytes(file: str) -> bytes:
    """What is in a file, or comes from stdin (`-`). Raises `typer.BadParameter`."""
    try:
        return read_all(file)
    except (OSError, ValueError) as error:
        raise typer.BadParameter(f"{file!r} can't be read: {getattr(error, 'strerror', error)}") from None


def read_all(file: str) -> bytes:
    """The same; raises OSError."""
    return sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
