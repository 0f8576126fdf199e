"""Which tests are slow, by kind: they need another program, or much real time.

`make test` leaves them out. `make test-all` and `.ci/run` run them.
"""

SLOW = {
    "abuse": "thousands of connections, and timeouts in real time",
    "acceptance/test_attempt_limits.py": "kills at random moments, in real time",
    "acceptance/test_backup.py": "backups at random moments, in real time",
    "acceptance/test_killed_service.py": "kills at random moments, in real time",
    "acceptance/test_shutdown.py": "grace periods, in real time",
    "acceptance/test_traces.py": "traces, which are exported in real time",
    "api/test_schemathesis.py": "thousands of generated requests",
    "chaos/test_chaos.py": "faults at random moments, in real time",
    "client/test_executor_thousands.py": "thousands of jobs",
    "commands/test_completion.py": "bash, zsh and fish",
    "docs/test_proxies.py": "nginx and Caddy",
    "docs/test_snippets.py": "every example of the documentation, in a shell",
    "monitoring": "Prometheus, which scrapes in real time",
    "page": "Chromium",
    "unit/api/test_linear_parsers.py": "thousands of texts, traced line by line",
    "unit/stores/test_journal_kill.py": "kills at random moments, in real time",
}
"""Folders and modules, relative to `tests`, and why."""
