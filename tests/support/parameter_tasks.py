"""Tasks that say what they received: parameters of many types, with validators that change, split and hide values."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import Enum, IntEnum
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple
from uuid import UUID

from pydantic import (
    AfterValidator,
    AliasChoices,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    Strict,
    computed_field,
    field_validator,
    model_validator,
)
from typing_extensions import TypedDict

from offload import task

Minutes = Annotated[int, AfterValidator(lambda minutes: minutes * 60)]
Words = Annotated[list[str], BeforeValidator(lambda text: text.split(","))]


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Level(IntEnum):
    LOW = 1
    HIGH = 2


class Hidden(BaseModel):
    secret: int = Field(default=9, exclude=True)


class Aliased(BaseModel):
    by: str = Field(validation_alias="sortBy")
    order: str = Field(default="up", validation_alias=AliasChoices("order", "direction"))
    size: int = Field(default=1, alias="Size", serialization_alias="SIZE")


class Computed(BaseModel):
    model_config = ConfigDict(extra="forbid")

    side: int

    @computed_field  # type: ignore[prop-decorator]  # as pydantic documents it
    @property
    def area(self) -> int:
        return self.side**2


class Cat(BaseModel):
    kind: Literal["cat"]
    lives: int = 9


class Dog(BaseModel):
    kind: Literal["dog"]
    tricks: list[str] = []


@dataclass
class Point:
    x: int
    y: int = 0


class Box(TypedDict):
    width: float
    height: float


class Pair(NamedTuple):
    left: int
    right: str = "r"


class Halved(BaseModel):
    size: float

    @field_validator("size")
    @classmethod
    def halve(cls, size: float) -> float:
        return size / 2


class Whole(BaseModel):
    first: int
    last: int

    @model_validator(mode="before")
    @classmethod
    def read(cls, given: Any) -> Any:
        return {"first": given["range"][0], "last": given["range"][1]} if "range" in given else given


def after(m: Minutes) -> int:
    return m


def before(words: Words) -> str:
    return repr(words)


def hidden(model: Hidden, plain: int = 0) -> int:
    return model.secret + plain


def aliased(model: Aliased, plain: int = 0) -> str:
    return f"{model.by} {model.order} {model.size} {plain}"


def whole_aliased(model: Aliased) -> str:
    return f"{model.by} {model.order} {model.size}"


def computed(model: Computed) -> int:
    return model.area


def halved(model: Halved, plain: int = 0) -> float:
    return model.size + plain


def from_range(model: Whole, plain: int = 0) -> int:
    return model.last - model.first + plain


def pet(pet: Annotated[Cat | Dog, Field(discriminator="kind")]) -> str:
    return repr(pet)


def point(point: Point, pair: Pair) -> str:
    return f"{point} {pair}"


def box(box: Box) -> str:
    return repr(box)


def enums(colour: Colour, level: Level = Level.LOW) -> str:
    return f"{colour} {level!r}"


def texts(ident: UUID, when: datetime, span: timedelta, where: Path) -> str:
    return f"{ident.version} {when.isoformat()} {span.total_seconds()} {where.name}"


def sets(words: set[str], numbers: frozenset[int] = frozenset()) -> str:
    return f"{type(words).__name__} {sorted(words)} {type(numbers).__name__} {sorted(numbers)}"


def strict(number: Annotated[int, Strict()]) -> int:
    return number


def exact(price: Decimal, ratio: float = 0.0, anything: Any = None) -> str:
    return f"{price} {ratio!r} {anything!r}"


def mapping(counts: dict[int, list[str]], defaulted: str = "d") -> str:
    return f"{counts} {defaulted}"


def _fail(error: Callable[[int], object]) -> Any:  # Any: an annotation
    return Annotated[int, AfterValidator(error)]


def _deep(number: int) -> int:
    return _deep(number)


def _exit(number: int) -> int:
    raise SystemExit(number)


class Named(BaseModel):
    n: int = Field(alias="N")
    extra: Any = None


def returns(what: Literal["alias", "keys", "place"]) -> Named:
    return Named(N=1, extra={"alias": None, "keys": {1: "a", "1": "b"}, "place": [1, 2j, object()]}[what])


class Checked(BaseModel):
    low: int = 0
    high: int = 1

    @model_validator(mode="after")
    def check(self) -> "Checked":
        assert 1 // (self.high - self.low) is not None
        return self


class Broken(BaseModel):
    key: _fail(lambda number: {1: 1}[number]) = 1  # type: ignore[valid-type]  # a function that makes annotations
    zero: _fail(lambda number: 1 // number) = 1  # type: ignore[valid-type]
    attribute: _fail(lambda number: number.nothing) = 1  # type: ignore[valid-type]
    deep: _fail(_deep) = 1  # type: ignore[valid-type]
    leaves: _fail(_exit) = 1  # type: ignore[valid-type]
    checked: Checked = Checked()


def broken(params: Broken) -> str:
    return repr(params)


def _unstable(numerator: int, denominator: int = 1) -> float:
    return math.nan if numerator == 0 else numerator / denominator


@task(cost=_unstable)
def with_broken_cost(numerator: int, denominator: int = 1) -> float:
    return numerator / denominator


def broken_whole(params: Checked) -> str:
    return repr(params)
