"""The types of parameters as `offload tasks` shows them, for schemas as pydantic makes them."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import Enum, IntEnum
from typing import Annotated, Any, Literal, NamedTuple
from uuid import UUID

import pytest
from pydantic import BaseModel, Field, TypeAdapter

from offload.commands.terminal.types import type_text


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Level(IntEnum):
    LOW = 1
    HIGH = 2


class Point(BaseModel):
    x: int
    y: int | None = None
    colour: Colour = Colour.RED


class Tree(BaseModel):
    below: "list[Tree]" = []


class Pair(NamedTuple):
    left: int
    right: str


@dataclass
class Holder:
    points: dict[str, list[Point]]


class Many(BaseModel):
    a: int
    b: int
    c: int
    d: int
    e: int
    f: int
    g: int


class Cat(BaseModel):
    kind: Literal["cat"]


class Dog(BaseModel):
    kind: Literal["dog"]


POINT = "{x: integer, y?: integer | null, colour?: red | blue}"


@pytest.mark.parametrize(
    ("annotation", "text"),
    [
        (int, "integer"),
        (Colour, "red | blue"),
        (Level, "1 | 2"),
        (Colour | None, "red | blue | null"),
        (Literal["a", 1], "a | 1"),
        (list[int], "list[integer]"),
        (list, "list[any]"),
        (set[Colour], "list[red | blue]"),
        (tuple[int, str], "[integer, string]"),
        (Pair, "[integer, string]"),
        (dict[str, float], "object[number]"),
        (dict, "object"),
        (Any, "any"),
        (Decimal, "number | string"),
        (datetime | UUID, "string (date-time) | string (uuid)"),
        (Point, POINT),
        (list[Point] | int, f"list[{POINT}] | integer"),
        (Holder, f"{{points: object[list[{POINT}]]}}"),
        (Tree, "{below?: list[Tree]}"),
        (Many, "{a: integer, b: integer, c: integer, d: integer, e: integer, f: integer, …}"),
        (Annotated[Cat | Dog, Field(discriminator="kind")], "{kind: cat} | {kind: dog}"),
    ],
)
def test_a_type_in_a_few_words(annotation: Any, text: str) -> None:
    schema = TypeAdapter(annotation).json_schema()
    assert type_text(schema, schema) == text


@pytest.mark.parametrize("schema", [True, False, {}, {"$ref": "#/$defs/no"}, {"type": []}, {"$ref": 1}, {"anyOf": []}])
def test_schemas_that_pydantic_does_not_make(schema: Any) -> None:
    assert type_text(schema, {"$defs": {"a": {"$ref": "#/$defs/a"}}}) == "any"


def test_a_reference_to_itself() -> None:
    root = {"$defs": {"a": {"$ref": "#/$defs/a"}}}
    assert type_text({"$ref": "#/$defs/a"}, root) == "a"
