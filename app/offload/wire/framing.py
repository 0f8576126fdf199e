"""How calls and replies are written to the two pipes between the server and a lane.

server ── calls ─────── one message for each dispatch ─────────────────────────────────► lane
       ── unstarted ─── a semaphore, released once for each attempt after the first; the lane acquires it to start
                        the next attempt, the server acquires it to withdraw one
       ◄─ replies ───── one message for each attempt, sent when the attempt ends; None when the lane has skipped the
                        withdrawn attempts: a later release of the semaphore can no longer start them

Each side has a class for its end: `engines.local.server_pipe` and `worker.lane_pipe`.

A message is its length in four bytes (big-endian), then a pickle of built-in types. It contains no class: pickling and
finding a class takes longer than the rest of the message.
"""

import os
import pickle
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Semaphore
from typing import NamedTuple

from offload.wire.messages import Call, Fault, Reply, Spent

HEADER_BYTES = 4

MAX_REPLY_BYTES = 64 * 1024
"""No reply is half as large. A longer message was written by a task."""


class LaneEnds(NamedTuple):
    """The lane's ends of the pipes. They can be passed to a process only when it is started."""

    unstarted: Semaphore
    calls: Connection
    replies: Connection


def send(pipe: Connection, message: object) -> None:
    """Write a message, with one system call unless it is larger than the pipe. Block while the pipe is full."""
    data = pickle.dumps(message)
    data = len(data).to_bytes(HEADER_BYTES) + data
    while data:
        data = data[os.write(pipe.fileno(), data) :]


def read_calls(data: bytes) -> list[Call]:
    """Return the calls of a message: it is a list with the fields of each."""
    return [Call(*fields) for fields in pickle.loads(data)]  # noqa: S301  # from the server


def read_reply(data: bytes) -> Reply | None:
    """Return the reply of a message: its fields, with those of `Spent` and `Fault` as tuples.

    Return None for the message that the withdrawn attempts were skipped. Raise any exception for data that is no reply:
    a task may have written it.
    """
    message = pickle.loads(data)  # noqa: S301  # from a lane, as the executor's own messages are
    if not message:
        return None
    spent, fault, *rest = message
    return Reply(Spent(*spent), fault and Fault(*fault), *rest)
