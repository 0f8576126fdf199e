"""The lane's end of the pipes: it receives calls and sends replies. See `wire.framing`."""

import os
import select
from collections.abc import Sequence

from offload.wire import framing
from offload.wire.framing import LaneEnds
from offload.wire.messages import Call, Reply


class LanePipe:
    """Receives one dispatch after the other."""

    def __init__(self, ends: LaneEnds) -> None:
        self._unstarted, self._calls, self._replies = ends

    def receive(self, within_s: float) -> Sequence[Call] | None:
        """Return the next dispatch, or None when none has come within `within_s` seconds."""
        poll = select.poll()
        poll.register(self._calls.fileno(), select.POLLIN)
        if not poll.poll(within_s * 1000):
            return None
        size = int.from_bytes(self._read(framing.HEADER_BYTES))
        return framing.read_calls(self._read(size))

    def may_start_next(self) -> bool:
        """Claim the dispatch's next attempt. True: it has started and can't be withdrawn. False: it was withdrawn."""
        return self._unstarted.acquire(block=False)

    def reply(self, reply: Reply) -> None:
        """Send a reply, with one write. If SIGKILL cuts it short, it has not been sent."""
        framing.send(self._replies, (tuple(reply.spent), reply.fault and tuple(reply.fault), *reply[2:]))

    def report_skipped(self) -> None:
        """Report that the rest of this dispatch was withdrawn and will not start."""
        framing.send(self._replies, None)

    def _read(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            piece = os.read(self._calls.fileno(), size - len(data))
            if not piece:
                raise EOFError
            data += piece
        return data
