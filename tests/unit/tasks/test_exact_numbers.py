"""Numbers that a task reads as `Decimal` keep their digits; other numbers stay what they are."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any, Literal, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import (
    AfterValidator,
    AliasChoices,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    RootModel,
    ValidationError,
)
from typing_extensions import TypedDict

from offload.tasks.exact_numbers import exact_numbers

LONG = "100000000000000.37"
FLOAT = float(LONG)


@dataclass
class Line:
    price: Decimal
    ratio: float = 0.0


class Entry(TypedDict):
    price: Decimal


class Pair(NamedTuple):
    price: Decimal
    ratio: float = 0.0


class Cash(BaseModel):
    kind: Literal["cash"]
    amount: Decimal


class Card(BaseModel):
    kind: Literal["card"]
    amount: float


class Tree(BaseModel):
    price: Decimal
    below: "list[Tree]" = []


class Prices(RootModel[list[Decimal]]):
    pass


class Everything(BaseModel):
    model_config = ConfigDict(validate_by_name=True, validate_by_alias=True, extra="allow")

    plain: Decimal = Decimal(0)
    bounded: Annotated[Decimal, Field(gt=0, max_digits=30), AfterValidator(lambda price: price)] | None = None
    renamed: Decimal = Field(default=Decimal(0), validation_alias=AliasChoices("Price", "price"))
    line: Line | None = None
    entry: Entry | None = None
    pair: Pair | None = None
    paid: Annotated[Cash | Card, Field(discriminator="kind")] | None = None
    tree: Tree | None = None
    prices: Prices | None = None
    some: list[Decimal] | Decimal | None = None
    distinct: set[Decimal] = set()
    fixed: tuple[float, Decimal] | None = None
    many: tuple[Decimal, ...] | None = None
    named: Mapping[str, Sequence[Decimal]] = {}
    number_or_flag: Decimal | bool | None = None
    cash_or_price: Cash | Decimal | None = None
    ratio: float = 0.0
    anything: Any = None
    number_or_text: Decimal | str | None = None
    number_or_float: Decimal | float | None = None
    before: Annotated[Decimal, BeforeValidator(lambda value: Decimal(str(value)))] = Decimal(0)


EXACT = exact_numbers(Everything)


def read(body: str) -> Everything:
    return Everything.model_validate_json(EXACT(body.encode()), strict=True)


@pytest.mark.parametrize("number", [LONG, "1.10", "1e3", "-0.0", "0.1000000000000000055511151231257827"])
@pytest.mark.parametrize(
    ("body", "get"),
    [
        ('{"plain":#}', lambda read: read.plain),
        ('{"Price":#}', lambda read: read.renamed),
        ('{"price":#}', lambda read: read.renamed),
        ('{"renamed":#}', lambda read: read.renamed),
        ('{"line":{"price":#,"ratio":#}}', lambda read: read.line.price),
        ('{"entry":{"price":#}}', lambda read: read.entry["price"]),
        ('{"pair":[#,#]}', lambda read: read.pair.price),
        ('{"paid":{"amount":#,"kind":"cash"}}', lambda read: read.paid.amount),
        ('{"tree":{"price":0,"below":[{"price":1},{"price":2,"below":[{"price":#}]}]}}',
         lambda read: read.tree.below[1].below[0].price),
        ('{"prices":[1,#]}', lambda read: read.prices.root[1]),
        ('{"some":#}', lambda read: read.some),
        ('{"some":[#]}', lambda read: read.some[0]),
        ('{"distinct":[#]}', lambda read: next(iter(read.distinct))),
        ('{"fixed":[#,#]}', lambda read: read.fixed[1]),
        ('{"many":[1,2,#]}', lambda read: read.many[2]),
        ('{"named":{"a":[1,#]}}', lambda read: read.named["a"][1]),
        ('{"number_or_flag":#}', lambda read: read.number_or_flag),
        ('{"cash_or_price":#}', lambda read: read.cash_or_price),
        ('{"cash_or_price":{"kind":"cash","amount":#}}', lambda read: read.cash_or_price.amount),
    ],
)  # fmt: skip
def test_a_decimal_keeps_its_digits(body: str, get: Any, number: str) -> None:
    found = get(read(body.replace("#", number)))
    assert isinstance(found, Decimal)
    assert str(found) == str(Decimal(number))


@pytest.mark.parametrize(
    ("body", "get", "value"),
    [
        ('{"ratio":#}', lambda read: read.ratio, FLOAT),
        ('{"anything":[#]}', lambda read: read.anything, [FLOAT]),
        ('{"unknown":#}', lambda read: read.unknown, FLOAT),
        ('{"paid":{"kind":"card","amount":#}}', lambda read: read.paid.amount, FLOAT),
        ('{"line":{"price":1,"ratio":#}}', lambda read: read.line.ratio, FLOAT),
        ('{"pair":[1,#]}', lambda read: read.pair.ratio, FLOAT),
        ('{"fixed":[#,1]}', lambda read: read.fixed[0], FLOAT),
        ('{"number_or_text":#}', lambda read: read.number_or_text, Decimal(str(FLOAT))),
        ('{"number_or_float":#}', lambda read: read.number_or_float, FLOAT),
        ('{"before":#}', lambda read: read.before, Decimal(str(FLOAT))),
        (
            '{"plain":123456789012345678901234567890}',
            lambda read: read.plain,
            Decimal(123456789012345678901234567890),
        ),
    ],
)
def test_other_numbers_stay_numbers(body: str, get: Any, value: object) -> None:
    found = get(read(body.replace("#", LONG)))
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    "body",
    ['{"plain":[1.5]}', '{"plain":true}', '{"bounded":-1.5}', '{"line":[1.5]}', '{"pair":[]}', '{"pair":[1.5,1,1]}',
     '{"paid":{"kind":1.5}}', '{"paid":1.5}', '{"plain":1.5', "[1.5]", "1.5", '{"fixed":[1.5]}', '{"plain":"1.5"} 1',
     '{"many":[[]]}', '{"plain":' + "[" * 100_000, '{"named":1.5}', '{"line":null,"plain":{"a":1.5}}'],
    ids=lambda body: body[:30],
)  # fmt: skip
def test_wrong_parameters_are_rejected_as_without_it(body: str) -> None:
    with pytest.raises(ValidationError) as expected:
        Everything.model_validate_json(body, strict=True)
    with pytest.raises(ValidationError) as found:
        read(body)
    places = [[error["loc"] for error in each.value.errors(include_input=False)] for each in (found, expected)]
    assert places[0] == places[1]


def test_without_decimals_nothing_is_rewritten() -> None:
    body = b'{"kind":"card", "amount":1.10}'
    assert exact_numbers(Card)(body) is body


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**300), max_value=10**300))
def test_any_number(number: Decimal) -> None:
    text = str(number).lower()
    body = f'{{"plain":{text},"anything":{text}}}'
    assert str(read(body).plain) == str(number)
    assert read(body).anything == json.loads(text)
