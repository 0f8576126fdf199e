"""Functions as a user would write them, of every kind of signature that can and that can't be a task."""

import functools
import math
import typing
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, RootModel, SecretStr, field_serializer
from typing_extensions import TypedDict

from offload import task
from offload.errors import TooExpensiveError
from offload.tasks.context import Context


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


@dataclass
class Point:
    x: int
    y: int = 0


class Box(TypedDict):
    width: float
    height: float


class Tree(BaseModel):
    weight: float = Field(default=0.0, alias="Weight")
    below: "list[Tree]" = []


@dataclass
class Range:
    low: float
    high: float = math.inf


class Order(BaseModel):
    """An order."""

    item: str
    amount: Annotated[int, Field(gt=0)] = 1


class OpenOrder(Order):
    model_config = ConfigDict(extra="allow")


class Numbers(RootModel[list[int]]):
    """A list that calls itself a model."""


class Hidden(BaseModel):
    seen: int
    unseen: int = Field(default=0, exclude=True)


class Rounded(BaseModel):
    amount: int

    @field_serializer("amount")
    def write(self, amount: int) -> str:
        return f"about {amount}"


class Renamed(BaseModel):
    sort_by: str = Field(alias="sortBy")


# --- can be tasks


def add(a: int, b: int = 2) -> int:
    """Adds two numbers.

    The second is two
    unless it is given.
    """
    return a + b


def bounded(count: Annotated[int, Field(gt=0, le=10)], word: str = Field(default="x", min_length=1)) -> str:
    return word * count


def keyword_only(*, ratio: float, name: str = "n") -> list[Any]:
    return [ratio, name]


def positional_only(a: int, b: int = 5, /, c: int = 7) -> list[int]:
    return [a, b, c]


def no_parameters() -> str:
    return "done"


def no_return(a: int):  # type: ignore[no-untyped-def]  # as users write
    return {"a": a}


def many_types(
    when: datetime,
    day: date,
    amount: Decimal,
    ident: UUID,
    colour: Colour,
    where: Path,
    tags: set[str],
    pair: tuple[int, str],
) -> dict[str, Any]:
    return {
        "when": when,
        "day": day,
        "amount": amount,
        "ident": ident,
        "colour": colour,
        "where": where,
        "tags": sorted(tags),
        "pair": pair,
    }


def order(order: Order) -> Order:
    return order


def open_order(order: OpenOrder) -> dict[str, Any]:
    return order.model_dump()


def renamed(params: Renamed) -> str:
    return params.sort_by


def takes_hidden(params: Hidden) -> int:
    return params.unseen


def takes_rounded(params: Rounded) -> int:
    return params.amount


def two_models(order: Order, point: Point) -> dict[str, Any]:
    return {"item": order.item, "x": point.x}


def point(point: Point) -> Point:
    return point


def floats(  # noqa: PLR0913  # one parameter for each way to hold a float
    *,
    one: float = 1.0,
    some: tuple[float, ...] = (),
    by_name: dict[str, float] = {},  # noqa: B006  # pydantic copies it
    by_number: dict[float, int] = {},  # noqa: B006  # pydantic copies it
    tree: Tree | None = None,
    span: Range | None = None,
    box: Box | None = None,
    number_or_text: float | str = 1.0,
    distinct: frozenset[float] = frozenset(),
    whole: int = 1,
    whole_or_float: int | float = 1,  # noqa: PYI041  # pydantic keeps an integer as it is
    exact: Decimal = Decimal(1),
    anything: Any = None,
) -> str:
    values = f"{one} {some} {by_name} {by_number} {tree} {span}"
    return f"{values} {box} {number_or_text} {distinct} {whole + whole_or_float} {exact} {anything}"


def box(box: Box) -> float:
    return box["width"] * box["height"]


def root_model(numbers: Numbers) -> int:
    return sum(numbers.root)


def shadows(schema: str, copy: int, json: bool, model_name: str = "m") -> list[Any]:
    return [schema, copy, json, model_name]


def reports(n: int, progress: Callable[[int, int], None]) -> int:
    for done in range(n):
        progress(done + 1, n)
    return n


def reports_in_typing(n: int, progress: typing.Callable[[int, int], None] | None = None) -> int:
    if progress:
        progress(n, n)
    return n


def reports_anyhow(n: int, progress: Callable[..., Any]) -> int:
    progress(n, n)
    return n


def progress_as_number(progress: int) -> int:
    return progress


def with_context(n: int, context: Context) -> str:
    context.progress(n, None, note="half way")
    return str(context.places.files_dir)


async def asynchronous(n: int) -> int:
    return n + 1


def literal(choice: Literal["one", "two"]) -> str:
    return choice


def days() -> dict[date, float]:
    return {date(2026, 11, 22): 1.5}


def counts() -> Iterable[int]:
    return (n for n in range(3))


def lenient() -> list[int]:
    return (1, 2)  # type: ignore[return-value]  # as users write


def cost_of_burn(seconds: float, cores: int = 1) -> float:
    if seconds > 100:
        raise TooExpensiveError("At most 100 seconds.")
    return seconds * cores


@task(timeout_s=5, memory_mb=64, max_attempts=1, cost=cost_of_burn)
def burn(seconds: float, cores: int = 1) -> float:
    return seconds * cores


def cost_of_order(order: Order) -> float:
    return float(order.amount)


@task(cost=cost_of_order)
def costly_order(order: Order) -> int:
    return order.amount


class Kit:
    @staticmethod
    def double(n: int) -> int:
        """Doubles."""
        return 2 * n

    @task(timeout_s=7)
    @staticmethod
    def limited(n: int) -> int:
        return n

    @classmethod
    def named(cls, n: int) -> str:
        return f"{cls.__name__}{n}"

    def method(self, n: int) -> int:
        return n


class Adder:
    """Adds what it was made with."""

    def __init__(self, more: int) -> None:
        self._more = more

    def __call__(self, n: int) -> int:
        return n + self._more


add_ten = functools.partial(add, b=10)
adder = Adder(3)


# --- can't be tasks


def no_annotation(a):  # type: ignore[no-untyped-def]  # what is wrong with it
    return a


def bare_progress(n: int, progress):  # type: ignore[no-untyped-def]  # what is wrong with it
    progress(n, n)


def star_args(*numbers: int) -> int:
    return sum(numbers)


def star_kwargs(**numbers: int) -> int:
    return sum(numbers.values())


def takes_bytes(data: bytes) -> int:
    return len(data)


def takes_nested_bytes(data: list[dict[str, bytes]]) -> int:
    return len(data)


def returns_bytes() -> bytes:
    return b""


def takes_object(thing: Adder) -> int:
    return thing(1)


def returns_object() -> Adder:
    return adder


def takes_callable(callback: Callable[[], None]) -> None:
    callback()


def takes_secret(password: SecretStr) -> int:
    return len(password)


def underscored(_n: int) -> int:
    return _n


def unknown_name(a: "Nowhere") -> int:  # type: ignore[name-defined]  # noqa: F821  # what is wrong with it
    return int(a)


def wrong_cost(seconds: float) -> float:
    return seconds


@task(cost=wrong_cost)
def with_wrong_cost(n: int) -> int:
    return n


not_a_function = 42


# --- results that JSON can't carry


def gives(what: str) -> Any:
    recursive: list[Any] = []
    recursive.append(recursive)
    given: dict[str, Callable[[], Any]] = {
        "nan": lambda: [float("nan")],
        "infinity": lambda: {"a": float("-inf")},
        "huge": lambda: 10**5000,
        "object": object,
        "bytes": lambda: {"data": [b"abc"]},
        "bytearray": lambda: bytearray(b"abc"),
        "not-utf-8": lambda: b"\xff",
        "bytes-key": lambda: {b"k": 1},
        "surrogate": lambda: "\ud800",
        "circular": lambda: recursive,
        "function": lambda: len,
    }
    return given[what]()


class Measured(BaseModel):
    value: float


def gives_nan_in_model() -> Measured:
    return Measured(value=float("nan"))
