"""Imported by the forkserver alone, before anything else that it preloads: a stop of the service must not end it first.

A supervisor such as systemd sends SIGTERM to every process of the service at once, a terminal SIGINT, or SIGHUP
when it is closed. The forkserver ends by itself when the front desk has; ended sooner it would take the lanes, and what
runs in them, along.
"""

import signal

STOPS = {signal.SIGTERM, signal.SIGINT, signal.SIGHUP}

for number in STOPS:
    signal.signal(number, signal.SIG_IGN)
signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPS)  # see `engines.context.start_forkserver`
