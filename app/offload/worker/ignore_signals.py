"""Makes the forkserver ignore stop signals. The forkserver imports this module first, and no other process does.

A supervisor such as systemd sends SIGTERM to every process of the service at the same time; a terminal sends SIGINT, or
SIGHUP when it is closed. The forkserver ends by itself when the server has ended. If it ended earlier, the lanes and
their attempts would end with it.
"""

import signal

STOPS = {signal.SIGTERM, signal.SIGINT, signal.SIGHUP}

for number in STOPS:
    signal.signal(number, signal.SIG_IGN)
signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPS)  # blocked by `engines.local.forkserver` until now
