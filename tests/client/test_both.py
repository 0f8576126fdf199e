"""Both clients have the same calls, so that what is known of one is known of the other."""

import inspect
from collections.abc import AsyncGenerator, Generator
from typing import get_args, get_origin

import pytest

from offload.client import AsyncClient, Client

NAMES = sorted(name for name in vars(Client) if not name.startswith("_"))


def test_both_have_the_same_methods() -> None:
    assert {name for name in vars(AsyncClient) if not name.startswith("_")} == set(NAMES)


@pytest.mark.parametrize("name", [*(name for name in NAMES if name != "url"), "__init__"])
def test_a_method_takes_and_says_the_same_in_both(name: str) -> None:
    plain, other = getattr(Client, name), getattr(AsyncClient, name)
    assert plain.__doc__ == other.__doc__
    one, two = inspect.signature(plain), inspect.signature(other)
    assert list(map(str, one.parameters.values())) == list(map(str, two.parameters.values()))
    assert returned(one) == returned(two)


def returned(signature: inspect.Signature) -> object:
    """What it returns, or what one iterates over."""
    told = signature.return_annotation
    return get_args(told)[0] if get_origin(told) in (Generator, AsyncGenerator) else str(told)


@pytest.mark.parametrize("name", [name for name in NAMES if name != "url"])
def test_every_method_says_what_it_does(name: str) -> None:
    assert getattr(Client, name).__doc__
