"""Lists of any length: pages are requested as the caller iterates."""

from collections.abc import AsyncGenerator, Callable
from typing import Protocol, TypeVar

from offload.client._async.transport import AsyncTransport
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


async def paginate(
    transport: AsyncTransport, page: Callable[[int, str | None], Request[Page[T]]], limit: int | None
) -> AsyncGenerator[T]:
    """Yield the items of all pages, at most `limit`. `page` takes the size of a page and its cursor."""
    cursor, left = None, limit
    while left is None or left > 0:
        current = await transport.send(page(min(PAGE, left or PAGE), cursor))
        for item in current.items[:left]:
            yield item
        left = None if left is None else left - len(current.items)
        if (cursor := current.next) is None:
            return
