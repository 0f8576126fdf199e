"""A request of the API as a value: what is sent, how the response is read, and whether it may be sent again."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Generic, Protocol, Self, TypeAlias, TypeVar

import httpx
from pydantic_core import to_jsonable_python

T_co = TypeVar("T_co", covariant=True)

Pairs: TypeAlias = tuple[tuple[str, str], ...]
"""Query parameters or headers. A name may occur several times."""


class Body(Protocol):
    """A request body that is read while it is sent."""

    @property
    def size(self) -> int | None:
        """In bytes; None where it is not known in advance."""

    def chunks(self) -> Iterator[bytes]:
        """Yield the body from its beginning. Raises OSError where it can't be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request(Generic[T_co]):
    """One request. The functions of `offload.client.api` make them; the clients send them."""

    method: str
    path: str
    read: Callable[[httpx.Response], T_co]
    """Returns the value of a successful response. Raises ValueError for a response that no Offload service sends."""
    query: Pairs = ()
    headers: Pairs = ()
    content: bytes | Body | None = None
    repeatable: bool = True
    """It may be sent again after the service may have received it: the second time has no further effect."""
    deletes: bool = False
    """It deletes something. After a try that the service may have received, 404 is a success."""
    wait_s: float = 0.0
    """How long the service is asked to wait before it responds."""

    def with_header(self, name: str, value: str) -> Self:
        """Return the same request with one more header."""
        return replace(self, headers=(*self.headers, (name, value)))


def to_json(value: object) -> bytes:
    """Return JSON. Models, dates, paths and the like are written as pydantic does. Raises ValueError for NaN."""
    return json.dumps(value, allow_nan=False, default=to_jsonable_python).encode()
