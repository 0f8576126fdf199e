"""What tasks print: bounded, on stderr, and nothing a task does to its streams lasts."""

import subprocess
import sys

import pytest

from app.worker.output import ATTEMPT_BYTES, NOTICE


def printed(body: str) -> tuple[str, str]:
    """Runs lines between an attempt's beginning and end in a process of its own; its stdout and stderr."""
    script = f"import os, sys\nfrom app.worker.output import Output\noutput = Output()\nos.dup2(2, 1)\n{body}"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    return run.stdout, run.stderr


def test_an_attempt_prints_up_to_its_bound_and_the_next_one_again() -> None:
    out, err = printed("for _ in range(2):\n output.begin()\n for _ in range(100_000): print('x' * 999)\n output.end()")
    assert out == ""
    assert err.count("x") + err.count("\n") <= 2 * (ATTEMPT_BYTES + len(NOTICE))
    assert err.count("x") > 2 * (ATTEMPT_BYTES - 1000)
    assert err.count("the rest is dropped") == 2


@pytest.mark.parametrize(
    "deed",
    [
        "sys.stdout.close()",
        "sys.stdout.buffer.close()",
        "sys.stdout.buffer.raw.close()",
        "sys.stdout.detach()",
        "os.close(1); os.close(2)",
        "sys.stdout = None",
        "os.close(2); open('/dev/null', 'w')",
    ],
)
def test_what_an_attempt_does_to_its_streams_does_not_last(deed: str) -> None:
    _, err = printed(
        f"output.begin()\n{deed}\noutput.end()\noutput.begin()\nprint('heard')\noutput.end()\nos.write(1, b'low')"
    )
    assert err == "heard\nlow"


def test_surrogates_can_be_printed() -> None:
    assert printed("output.begin()\nprint('\\ud800')\noutput.end()")[1] == "\\ud800\n"
