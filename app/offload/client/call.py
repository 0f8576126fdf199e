"""One call of the API as a value. Whoever performs it needs to know nothing of paths, retries or what comes back."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

T_co = TypeVar("T_co", covariant=True)


class Source(Protocol):
    """A body that is read while it is sent."""

    @property
    def size(self) -> int | None:
        """In bytes, where it is known."""

    def chunks(self) -> Iterator[bytes]:
        """All of it from the beginning, in portions. Raises OSError where it can't be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back, whole."""

    status: int
    headers: Mapping[str, str]
    """By their names in small letters."""
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Call(Generic[T_co]):
    """A request, what its answer is read as, and what may be done where none comes."""

    method: str
    path: str
    read: Callable[[Answer], T_co]
    """Makes of a good answer what the caller wants. Raises ValueError where no Offload can have sent it."""
    query: tuple[tuple[str, str], ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes | Source | None = None
    safe: bool = True
    """It may be sent again where nobody knows whether the service got it: doing it twice is doing it once."""
    forgets: bool = False
    """It deletes. So where it was sent again, that there is nothing any more is success."""
    waits_s: float = 0.0
    """How long the service was asked to wait before it answers."""
