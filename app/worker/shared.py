"""What the front desk and one lane share: who begins an attempt, and the pipe on which its reply comes back.

front desk ── release, once for each attempt after the first ──► not_begun ──acquire──► lane begins the next one
           └─ acquire: takes back what has not begun                  └──────────────── none left: it is done
front desk ◄──── one message for each attempt, as it ends ──────── replies ◄─────────── lane
"""

import os
import pickle
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext
from multiprocessing.synchronize import Semaphore
from typing import NamedTuple

from app.worker.messages import Fault, Reply, Spent

REPLIES_BYTES = 32 * 1024
"""Once a hand-over's replies are so many bytes, no further attempt of it is begun: they fit a pipe of 64 KiB, which
nobody may be reading."""

_HEAD_BYTES = 4


class Shared(NamedTuple):
    """The lane's side. It can be handed to a process only as that starts."""

    not_begun: Semaphore
    replies: Connection

    def may_begin(self) -> bool:
        """Whether there is another attempt to be begun. If so, it has begun, and nobody takes it back."""
        return self.not_begun.acquire(block=False)

    def tell(self, reply: Reply) -> int:
        """Sends a reply. By one write, which a SIGKILL does not cut in two. Answers its bytes."""
        # As plain tuples: to name a class in a message, and to find it again, costs as much as all the rest.
        message = pickle.dumps((tuple(reply.spent), reply.fault and tuple(reply.fault), *reply[2:]))
        return os.write(self.replies.fileno(), len(message).to_bytes(_HEAD_BYTES) + message)


class Desk:
    """The front desk's side."""

    def __init__(self, context: ForkServerContext) -> None:
        self._not_begun = context.Semaphore(0)
        self._replies, writer = context.Pipe(duplex=False)
        os.set_blocking(self._replies.fileno(), False)
        self._read = b""
        self.lane = Shared(self._not_begun, writer)

    def offer(self, attempts: int) -> None:
        """So many more may be begun."""
        for _ in range(attempts):
            self._not_begun.release()

    def take_back(self) -> int:
        """Takes back what has not begun; answers how many."""
        taken = 0
        while self._not_begun.acquire(block=False):
            taken += 1
        return taken

    def collect(self) -> list[Reply]:
        """The replies that have come since the last look."""
        try:
            while piece := os.read(self._replies.fileno(), 1 << 16):
                self._read += piece
        except BlockingIOError:
            pass
        replies: list[Reply] = []
        while len(self._read) >= _HEAD_BYTES:
            end = _HEAD_BYTES + int.from_bytes(self._read[:_HEAD_BYTES])
            if len(self._read) < end:
                break
            spent, fault, *rest = pickle.loads(self._read[_HEAD_BYTES:end])  # noqa: S301  # from a lane, as the executor's
            replies.append(Reply(Spent(*spent), fault and Fault(*fault), *rest))
            self._read = self._read[end:]
        return replies

    def close(self) -> None:
        """Lets go of both ends."""
        self._replies.close()
        self.lane.replies.close()
