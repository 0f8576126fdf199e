"""Imported by the forkserver alone, before anything else that it preloads: a stop of the service must not end it first.

A supervisor such as systemd sends SIGTERM to every process of the service at once, a terminal SIGINT. The forkserver
ends by itself when the front desk has; ended sooner it would take the lanes, and what runs in them, along.
"""

import signal

signal.signal(signal.SIGTERM, signal.SIG_IGN)
signal.signal(signal.SIGINT, signal.SIG_IGN)
signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM, signal.SIGINT})  # see `engines.context.start_forkserver`
