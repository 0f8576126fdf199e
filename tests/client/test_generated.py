"""The client for threads is generated from the one for asyncio."""

import inspect

import pytest

from offload.client import Client
from tests.client.generate_sync import TARGET, generated, sync_source

METHODS = sorted(name for name in vars(Client) if not name.startswith("_"))


def test_it_is_up_to_date() -> None:
    """If not, run `make sync-client`."""
    assert {path: path.read_text() for path in TARGET.glob("*.py")} == generated()


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("async def f() -> None:\n    await g()\n", "def f() -> None:\n    g()\n"),
        ("async with a as b, c as d:\n    pass\n", "with a as b, c as d:\n    pass\n"),
        ("[x async for x in await f(await g())]\n", "[x for x in f(g())]\n"),
        ("AsyncClient(Async, asynchronous, AsyncGenerator)\n", "Client(Async, asynchronous, Generator)\n"),
        ("from a._async.b import asyncio\n", "from a._sync.b import time\n"),
        ('"""await an AsyncClient"""  # async\n', '"""await an AsyncClient"""  # async\n'),
    ],
)
def test_async_and_await_go_and_names_are_replaced(source: str, expected: str) -> None:
    assert sync_source(source) == expected


@pytest.mark.parametrize("name", METHODS)
def test_every_method_has_a_docstring(name: str) -> None:
    assert getattr(Client, name).__doc__


@pytest.mark.parametrize("name", METHODS)
def test_no_method_is_a_coroutine(name: str) -> None:
    assert not inspect.iscoroutinefunction(getattr(Client, name))
    assert not inspect.isasyncgenfunction(getattr(Client, name))
