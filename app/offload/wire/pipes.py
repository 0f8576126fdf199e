"""What the front desk and one lane share besides the executor: two pipes, and who begins an attempt.

front desk ── calls ───────── one message for each hand-over ──────────► lane
           ── not_begun ───── released once for each attempt after the first; the lane acquires it to begin the next
                              one, the front desk to take back what has not begun
           ◄─ replies ─────── one message for each attempt, as it ends; and an empty one as the lane leaves what was
                              taken back: what is released before that could begin it all the same ──

The executor's own queues go through two threads of the front desk, which compete with its event loop for the GIL: for a
quick job that is most of its cost. So the executor is called once for a spell of work, and what is to be done goes by
these. A message never names a class: to write that, and to find it again, takes longer than all the rest.
"""

import os
import pickle
import select
from collections.abc import Sequence
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext
from multiprocessing.synchronize import Semaphore
from typing import Any, NamedTuple

from offload.wire.messages import Call, Fault, Reply, Spent

_HEAD_BYTES = 4
_MOST_BYTES = 64 * 1024
"""Of a message. No reply has half as much: what announces more was written by a task."""


class Shared(NamedTuple):
    """The lane's side. It can be handed to a process only as that starts."""

    not_begun: Semaphore
    calls: Connection
    replies: Connection

    def take(self, within_s: float) -> Sequence[Call] | None:
        """The next hand-over; None where none has come `within_s` seconds."""
        poll = select.poll()
        poll.register(self.calls.fileno(), select.POLLIN)
        if not poll.poll(within_s * 1000):
            return None
        left = int.from_bytes(self._read(_HEAD_BYTES))
        return [Call(*call) for call in pickle.loads(self._read(left))]  # noqa: S301  # from the front desk

    def may_begin(self) -> bool:
        """Whether there is another attempt to be begun. If so, it has begun, and nobody takes it back."""
        return self.not_begun.acquire(block=False)

    def tell(self, reply: Reply) -> None:
        """Sends a reply, by one write. One that a SIGKILL cuts in two has not been sent."""
        _write(self.replies, (tuple(reply.spent), reply.fault and tuple(reply.fault), *reply[2:]))

    def tell_left(self) -> None:
        """Says that nothing more of this hand-over will begin, since the rest has been taken back."""
        _write(self.replies, None)

    def _read(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            piece = os.read(self.calls.fileno(), size - len(data))
            if not piece:
                raise EOFError
            data += piece
        return data


class Desk:
    """The front desk's side."""

    def __init__(self, context: ForkServerContext) -> None:
        self._not_begun = context.Semaphore(0)
        calls, self._calls = context.Pipe(duplex=False)
        self._replies, replies = context.Pipe(duplex=False)
        os.set_blocking(self._replies.fileno(), False)
        self._read = b""
        self._untaken = 0
        self.babbled = False
        """Something has come that is no reply: nothing that comes after it can be read."""
        self.lane = Shared(self._not_begun, calls, replies)

    @property
    def waiting(self) -> bool:
        """True while there is a hand-over of which it is not known whether the lane has taken it."""
        return self._untaken > 0

    @property
    def untaken(self) -> bool:
        """True while there is a hand-over that the lane has not even begun to read. In 2 µs."""
        return self.lane.calls.poll()

    def offer(self, calls: Sequence[Call]) -> None:
        """Hands over. The pipe is empty then, so it holds a message of up to 64 KiB: this does not block."""
        for _ in calls[1:]:  # first, or a fast lane would take them for taken back
            self._not_begun.release()
        self._untaken += 1
        _write(self._calls, [tuple(call) for call in calls])

    def taken(self, hand_overs: int) -> None:
        """The lane says that it has taken so many more."""
        self._untaken -= hand_overs

    def take_back(self) -> int:
        """Takes back what has not begun; answers how many."""
        taken = 0
        while self._not_begun.acquire(block=False):
            taken += 1
        return taken

    def fileno(self) -> int:
        """What becomes readable when replies have come."""
        return self._replies.fileno()

    def collect(self) -> list[Reply | None]:
        """The replies that have come since the last look; None says that the lane has left what was taken back."""
        replies: list[Reply | None] = []
        more = True
        while more and not self.babbled:
            more = self._receive()
            while (message := self._next()) is not None:
                try:
                    told = pickle.loads(message)  # noqa: S301  # from a lane, as the executor's
                    replies.append(told and _reply(*told))
                except Exception:  # what is no pickle may raise anything
                    self.babbled = True
                    break
        return replies

    def _receive(self) -> bool:
        """Reads what there is, up to what the pipe holds; False where there is nothing more."""
        try:
            piece = os.read(self._replies.fileno(), _MOST_BYTES)
        except BlockingIOError:
            return False
        self._read += piece
        return len(piece) == _MOST_BYTES

    def _next(self) -> bytes | None:
        """Takes the next message out of what has been read, where all of it is there."""
        size = int.from_bytes(self._read[:_HEAD_BYTES])
        end = _HEAD_BYTES + size
        self.babbled = self.babbled or size > _MOST_BYTES
        if self.babbled or len(self._read) < end:
            return None
        message, self._read = self._read[_HEAD_BYTES:end], self._read[end:]
        return message

    def close(self) -> None:
        """Lets go of both pipes."""
        for end in (self._calls, self._replies, self.lane.calls, self.lane.replies):
            end.close()


def _reply(spent: Sequence[Any], fault: Any, *rest: Any) -> Reply:  # fields of named tuples
    return Reply(Spent(*spent), fault and Fault(*fault), *rest)


def _write(pipe: Connection, message: object) -> None:
    data = pickle.dumps(message)
    data = len(data).to_bytes(_HEAD_BYTES) + data
    while data:
        data = data[os.write(pipe.fileno(), data) :]
