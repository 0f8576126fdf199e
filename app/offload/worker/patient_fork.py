"""Makes the forkserver wait while no process can be forked. No other process imports this module.

The forkserver does not handle this error: it would end, and with it every lane and its attempt.
"""

import os
import time

PAUSE_S = 0.05

_fork, _server = os.fork, os.getppid()


def fork() -> int:
    """Fork as `os.fork` does. Raise OSError only if the server has ended meanwhile. A lane gets the usual `os.fork`."""
    while True:
        try:
            pid = _fork()
        except OSError:  # EAGAIN: as many processes as `ulimit -u` or `pids.max` allows; ENOMEM
            if os.getppid() != _server:
                raise
            time.sleep(PAUSE_S)
            continue
        if pid == 0:
            os.fork = _fork
        return pid


os.fork = fork
