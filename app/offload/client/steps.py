"""What both clients can do, as values. All else (retries, waiting, pages) is written once, as generators of these.

A generator yields a step and is sent what came of it; where the connection failed, `LostError` is raised at the
`yield`. Whether a thread or an event loop performs the steps, the generator can't tell.
"""

from collections.abc import Generator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

from offload.client.call import Answer, Call
from offload.client.reading import is_readable

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Exchange:
    """Send a call and read the whole answer. Sent back: `Answer`."""

    call: Call[Any]
    within_s: float | None = None
    """How long to wait for each sign of life; None: as the client was told."""


@dataclass(frozen=True, slots=True)
class Open:
    """Send a call and read the head of its answer. Sent back: `Head`. What was open before is closed."""

    call: Call[Any]
    within_s: float | None = None
    """The same, and for each portion afterwards."""


@dataclass(frozen=True, slots=True)
class Head:
    """The beginning of an answer."""

    status: int
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Read:
    """The next portion of what is open. Sent back: `bytes`, empty at the end."""


@dataclass(frozen=True, slots=True)
class Pause:
    """Let some seconds pass."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Tell:
    """Hand a value to whoever iterates."""

    value: Any


Step: TypeAlias = Exchange | Open | Read | Pause | Tell
Steps: TypeAlias = Generator[Step, Any, T]  # what is sent back depends on the step: the functions below know


class LostError(Exception):
    """No answer came, or not all of it."""

    def __init__(self, why: str, *, sent: bool, timed_out: bool = False) -> None:
        super().__init__(why)
        self.why = why
        self.sent = sent
        """The service may have got the call."""
        self.timed_out = timed_out
        """There was no sign of life for as long as the step allowed."""


def exchange(call: Call[Any], within_s: float | None = None) -> Steps[Answer]:
    """The whole answer. Raises `LostError`."""
    answer: Answer = yield Exchange(call, within_s)
    return answer


def open_(call: Call[Any], within_s: float | None = None) -> Steps[Head]:
    """The head of an answer, which is read on by `read`. Raises `LostError`."""
    head: Head = yield Open(call, within_s)
    return head


def read() -> Steps[bytes]:
    """The next portion of what is open, empty at its end. Raises `LostError`."""
    portion: bytes = yield Read()
    return portion


def read_rest(head: Head) -> Steps[Answer]:
    """All of what is open, as an answer; nothing of what can't be one. Raises `LostError`."""
    body = bytearray()
    while is_readable(head.headers) and (portion := (yield from read())):
        body += portion
    return Answer(status=head.status, headers=head.headers, body=bytes(body))
