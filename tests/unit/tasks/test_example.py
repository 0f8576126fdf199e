"""The generated example is filled and is accepted."""

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from ipaddress import IPv4Address
from typing import Annotated, Any, Literal
from uuid import UUID

import pytest
from pydantic import BaseModel, ConfigDict, Field

from offload.tasks.build import build_task
from tests.unit.tasks.functions import Box, Colour, Order, Point


class Tree(BaseModel):
    label: str
    left: "Tree | None" = None
    others: "list[Tree]" = []


class Endless(BaseModel):
    inner: "Endless"


class Shown(BaseModel):
    model_config = ConfigDict(json_schema_extra={"examples": [{"a": 7}]})

    a: int


class OddlyShown(BaseModel):
    model_config = ConfigDict(json_schema_extra={"examples": {"a": 7}})

    a: int


def example(annotation: Any, default: Any = ...) -> dict[str, Any]:  # Any: any annotation, any default
    def function(value, context=None):  # type: ignore[no-untyped-def]  # annotated below
        return value, context

    function.__annotations__ = {"value": annotation, "context": int | None}
    function.__defaults__ = (None,) if default is ... else (default, None)
    return build_task("function", function).example


@pytest.mark.parametrize(
    ("annotation", "filled"),
    [
        (int, 1),
        (Annotated[int, Field(ge=5)], 5),
        (Annotated[int, Field(gt=5)], 6),
        (Annotated[int, Field(le=-5)], -5),
        (Annotated[int, Field(lt=-5)], -6),
        (Annotated[int, Field(ge=5, multiple_of=4)], 8),
        (Annotated[int, Field(gt=8, multiple_of=4)], 12),
        (Annotated[float, Field(gt=0, lt=1)], None),
        (float, 1),
        (Decimal, 1),
        (bool, False),
        (str, "text"),
        (Annotated[str, Field(min_length=8)], "text----"),
        (Annotated[str, Field(max_length=2)], "te"),
        (Annotated[str, Field(pattern="^x+$")], None),
        (Annotated[str, Field(pattern="^x+$", examples=["xx"])], "xx"),
        (Literal["b", "a"], "b"),
        (Literal["only"], "only"),
        (Colour, "red"),
        (date, "2026-11-22"),
        (datetime, "2026-11-22T09:00:00Z"),
        (time, "09:00:00Z"),
        (timedelta, "PT1M"),
        (UUID, "123e4567-e89b-12d3-a456-426614174000"),
        (IPv4Address, "192.0.2.1"),
        (list[int], []),
        (Annotated[list[int], Field(min_length=2)], [1, 1]),
        (tuple[int, str], [1, "text"]),
        (dict[str, int], {}),
        (Any, "text"),
        (Annotated[list[Any], Field(min_length=1)], ["text"]),
        (int | str, 1),
        (Order, {"item": "text", "amount": 1}),
        (Point, {"x": 1, "y": 0}),
        (Box, {"width": 1, "height": 1}),
        (Tree, {"label": "text", "others": []}),
        (Annotated[Tree, Field(description="a tree")], {"label": "text", "others": []}),
    ],
)
def test_the_smallest_allowed_value(annotation: Any, filled: object) -> None:
    assert example(annotation) == ({} if filled is None else {"value": filled})


def test_defaults_and_examples_come_first() -> None:
    assert example(int, 9) == {"value": 9}
    assert example(Annotated[int, Field(examples=[4])], 9) == {"value": 4}
    assert example(int | None, None) == {}
    assert example(Annotated[int | None, Field(examples=[4])], None) == {"value": 4}


@pytest.mark.parametrize(("model", "shown"), [(Shown, {"a": 7}), (OddlyShown, {}), (Endless, {})])
def test_the_models_own_example_or_none(model: type[BaseModel], shown: dict[str, Any]) -> None:
    def function(params):  # type: ignore[no-untyped-def]  # annotated below
        return params

    function.__annotations__ = {"params": model}
    assert build_task("function", function).example == shown
