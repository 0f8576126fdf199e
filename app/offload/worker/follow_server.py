"""Makes the forkserver kill what tasks have left when the server dies. No other process imports this module.

The kernel kills lanes with the server, see `die_with_parent`. It does not reach a program that has replaced a lane's
own, nor a process that a task has started in another session. The kernel reports the server's death to the forkserver,
which finds these processes by their marks.
"""

import os
import signal

from offload.wire.marked_processes import kill_marked
from offload.wire.process_mark import VARIABLE, Mark
from offload.wire.process_tree import SERVER_DIED, signal_when_parent_ends

_me, _server, _session = os.getpid(), os.getppid(), os.getsid(0)


def _kill_what_is_left(*_: object) -> None:
    """Handle `SERVER_DIED`. It also comes when only the thread that started the forkserver has ended."""
    if os.getpid() == _me and os.getppid() != _server:
        mark = Mark.from_text(os.environ.get(VARIABLE, ""))
        kill_marked(lambda found, session: found == mark and session != _session)


signal.signal(SERVER_DIED, _kill_what_is_left)
signal_when_parent_ends(SERVER_DIED)
