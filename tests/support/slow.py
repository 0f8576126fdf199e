"""Which tests are slow, by kind: they need another large program, or run for a set time.

`make test` leaves them out. `make test-all` and `.ci/run` run them.
"""

SLOW = {
    "api/test_schemathesis.py": "thousands of generated requests",
    "chaos/test_chaos.py": "faults at random moments, in real time",
    "docs/test_proxies.py": "nginx and Caddy",
    "docs/test_snippets.py": "every example of the documentation, in a shell",
    "monitoring": "Prometheus, which scrapes in real time",
    "page": "Chromium",
}
"""Folders and modules, relative to `tests`, and why."""
