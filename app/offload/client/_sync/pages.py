# Generated from offload/client/_async/pages.py by `make sync-client`. Edit that file instead.

"""Lists of any length: pages are requested as the caller iterates."""

from collections.abc import Callable, Generator
from typing import Protocol, TypeVar

from offload.client._sync.transport import Transport
from offload.client.request import Request

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

PAGE = 200
"""Items in a page. With results inline, 200 jobs may be 3 MB."""


class Page(Protocol[T_co]):
    """A page of a list."""

    @property
    def items(self) -> tuple[T_co, ...]:
        """The jobs or batches of this page."""

    @property
    def next(self) -> str | None:
        """The cursor of the next page."""


def paginate(
    transport: Transport, page: Callable[[int, str | None], Request[Page[T]]], limit: int | None
) -> Generator[T]:
    """Yield the items of all pages, at most `limit`. `page` takes the size of a page and its cursor."""
    cursor, left = None, limit
    while left is None or left > 0:
        current = transport.send(page(min(PAGE, left or PAGE), cursor))
        yield from current.items[:left]
        left = None if left is None else left - len(current.items)
        if (cursor := current.next) is None:
            return
