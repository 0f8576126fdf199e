"""F(n) by three algorithms that must agree, its costs, and its texts."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offload.errors import TooExpensiveError
from tests.unit.tasks.building import built_in, context_in

fibonacci = built_in("fibonacci")
NOWHERE = context_in(Path("/tmp"))


def compute(**params: Any) -> dict[str, Any]:  # Any: JSON
    result: dict[str, Any] = json.loads(fibonacci.run(json.dumps(params).encode(), NOWHERE))
    return result


def value(n: int, **params: Any) -> int:
    return int(compute(n=n, format="hex", **params)["value"], 16)


def test_known_numbers() -> None:
    assert [value(n) for n in range(11)] == [0, 1, 1, 2, 3, 5, 8, 13, 21, 34, 55]
    assert compute(n=100) == {"n": 100, "value": "354224848179261915075", "digits": 21}
    assert compute(n=30, algorithm="recursive") == {"n": 30, "value": "832040", "digits": 6}
    assert compute(n=100, format="hex")["value"] == f"{354224848179261915075:x}"
    assert compute(n=0) == {"n": 0, "value": "0", "digits": 1}


def test_a_million_digits_are_returned() -> None:
    result = compute(n=1_000_000)
    assert result["digits"] == len(result["value"]) == 208_988
    assert result["value"].startswith("19532821287077577316")
    assert int(result["value"][-9:]) == value(1_000_000, modulus=10**9)


@given(st.integers(1, 3000), st.integers(0, 3000))
def test_addition(m: int, n: int) -> None:
    assert value(m + n) == value(m - 1) * value(n) + value(m) * value(n + 1)


@given(st.integers(0, 18), st.none() | st.integers(2, 100))
def test_recursive_and_fast_agree(n: int, modulus: int | None) -> None:
    assert value(n, modulus=modulus, algorithm="recursive") == value(n, modulus=modulus)


@given(st.integers(0, 5000), st.integers(2, 2**4096 - 1))
def test_modulus_agrees_with_the_whole_number(n: int, modulus: int) -> None:
    assert value(n, modulus=modulus) == value(n) % modulus


@given(st.integers(0, 2**64 - 1), st.integers(2, 10**6))
def test_addition_modulo_for_any_n(n: int, modulus: int) -> None:
    half = n // 2
    this, following = value(half, modulus=modulus), value(half + 1, modulus=modulus)
    before = (following - this) % modulus
    parts = (before * this + this * following) if n % 2 == 0 else (this * this + following * following)
    assert value(n, modulus=modulus) == parts % modulus


def test_decimal_and_hex_are_the_same_number() -> None:
    decimal = compute(n=12345)
    assert int(decimal["value"]) == value(12345)
    assert decimal["digits"] == len(decimal["value"]) == 2580


@pytest.mark.parametrize(
    ("params", "says"),
    [
        ({"n": 10_000_001}, "n is at most 10000000. Use a modulus"),
        ({"n": 10**4000}, "Use a modulus"),
        ({"n": 2**64, "modulus": 7}, "n is below 2\\*\\*64"),
        ({"n": 41, "algorithm": "recursive"}, "n is at most 40. Use algorithm fast"),
        ({"n": 41, "algorithm": "recursive", "modulus": 7}, "Use algorithm fast"),
        ({"n": 1, "modulus": 2**4096}, "4096 bits"),
    ],
)
def test_too_expensive(params: dict[str, Any], says: str) -> None:
    with pytest.raises(TooExpensiveError, match=says):
        fibonacci.cost(fibonacci.parse(json.dumps(params).encode()))


@pytest.mark.parametrize(
    "params",
    [
        {"n": 10_000_000},
        {"n": 2**64 - 1, "modulus": 2**4096 - 1},
        {"n": 40, "algorithm": "recursive"},
    ],
)
def test_the_most_expensive_allowed_parameters_have_a_cost(params: dict[str, Any]) -> None:
    assert 0 < fibonacci.cost(fibonacci.parse(json.dumps(params).encode())) < 60


def test_limits_are_settings() -> None:
    small = built_in("fibonacci", fibonacci_max_n=10, fibonacci_max_recursive_n=5)
    with pytest.raises(TooExpensiveError, match="n is at most 10"):
        small.cost(small.parse(b'{"n":11}'))
    with pytest.raises(TooExpensiveError, match="n is at most 5"):
        small.cost(small.parse(b'{"n":6,"algorithm":"recursive"}'))


def test_a_deeper_recursion_costs_more() -> None:
    costs = [fibonacci.cost(fibonacci.parse(b'{"n":%d,"algorithm":"recursive"}' % n)) for n in (30, 32, 34, 36)]
    assert costs == sorted(costs)


def test_the_example_is_accepted() -> None:
    assert fibonacci.example == {"n": 1000, "algorithm": "fast", "format": "decimal"}
