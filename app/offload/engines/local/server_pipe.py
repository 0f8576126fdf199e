"""The server's end of the pipes to one lane: it sends calls and collects replies. See `wire.framing`.

The executor's own queues go through two threads of the server, which compete with its event loop for the GIL. For a
quick job this is most of its cost. So the executor is called once for as long as work keeps coming, and the calls go
through these pipes.
"""

import os
from collections.abc import Sequence
from multiprocessing.context import ForkServerContext

from offload.wire import framing
from offload.wire.framing import LaneEnds
from offload.wire.messages import Call, Reply


class ServerPipe:
    """The pipes to one process."""

    def __init__(self, context: ForkServerContext) -> None:
        self._unstarted = context.Semaphore(0)
        calls, self._calls = context.Pipe(duplex=False)
        self._replies, replies = context.Pipe(duplex=False)
        os.set_blocking(self._replies.fileno(), False)
        self._received = b""
        self._untaken = 0
        self.violated = False
        """True after data that is no reply: nothing after it can be read."""
        self.lane_ends = LaneEnds(self._unstarted, calls, replies)

    @property
    def unconfirmed(self) -> bool:
        """True while there is a dispatch that the lane has not yet reported as taken."""
        return self._untaken > 0

    @property
    def unread(self) -> bool:
        """True while there is a dispatch that the lane has not started to read. Takes 2 µs."""
        return self.lane_ends.calls.poll()

    def send(self, calls: Sequence[Call]) -> None:
        """Send a dispatch. The pipe is empty and holds a message of up to 64 KiB, so this does not block."""
        for _ in calls[1:]:  # first: a fast lane would take attempts without a release for withdrawn
            self._unstarted.release()
        self._untaken += 1
        framing.send(self._calls, [tuple(call) for call in calls])

    def confirm(self, dispatches: int) -> None:
        """Record that the lane has taken this many more dispatches."""
        self._untaken -= dispatches

    def withdraw(self) -> int:
        """Withdraw the attempts that have not started. Return their number; they are the last ones of the dispatch."""
        withdrawn = 0
        while self._unstarted.acquire(block=False):
            withdrawn += 1
        return withdrawn

    def fileno(self) -> int:
        """Return the descriptor that becomes readable when replies have come."""
        return self._replies.fileno()

    def collect(self) -> list[Reply | None]:
        """Return the replies since the last call. None reports that the lane has skipped the withdrawn attempts."""
        replies: list[Reply | None] = []
        more = True
        while more and not self.violated:
            more = self._receive()
            while (message := self._next_message()) is not None:
                try:
                    replies.append(framing.read_reply(message))
                except Exception:  # what is no pickle may raise anything
                    self.violated = True
                    break
        return replies

    def close(self) -> None:
        """Close all ends of both pipes."""
        for end in (self._calls, self._replies, self.lane_ends.calls, self.lane_ends.replies):
            end.close()

    def _receive(self) -> bool:
        """Read what is in the pipe. Return False when nothing more is there."""
        try:
            piece = os.read(self._replies.fileno(), framing.MAX_REPLY_BYTES)
        except BlockingIOError:
            return False
        self._received += piece
        return len(piece) == framing.MAX_REPLY_BYTES

    def _next_message(self) -> bytes | None:
        """Remove the next message from what was received, if it is complete."""
        size = int.from_bytes(self._received[: framing.HEADER_BYTES])
        end = framing.HEADER_BYTES + size
        self.violated = self.violated or size > framing.MAX_REPLY_BYTES
        if self.violated or len(self._received) < end:
            return None
        message, self._received = self._received[framing.HEADER_BYTES : end], self._received[end:]
        return message
