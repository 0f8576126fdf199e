"""What is logged. Each test uses its own process, since logging is configured once per process."""

import json
import subprocess
import sys

import pytest

BROKEN_FORM = """
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser

from offload.server import logging_setup

logging_setup.configure("json", "info")
try:
    MultipartParser(b"boundary").write(b"nonsense")
except FormParserError as error:
    print(error)
"""


def test_a_malformed_form_is_not_logged() -> None:
    run = subprocess.run([sys.executable, "-c", BROKEN_FORM], check=True, capture_output=True, text=True)
    assert "boundary" in run.stdout
    assert run.stderr == ""


FORGED = r"""
import logging
import sys

import structlog

from offload.server import logging_setup

logging_setup.configure(sys.argv[1], "info")
name = "a\r\n2026 [info] forged \x1b[31m\u202e\x85<b>"
structlog.get_logger("one").warning(name, path=name)
logging.getLogger("two").warning("%s", name)
try:
    raise ValueError(name)
except ValueError:
    structlog.get_logger("three").exception("failed")
"""


@pytest.mark.parametrize("style", ["console", "json"])
def test_input_of_clients_can_not_forge_log_lines(style: str) -> None:
    run = subprocess.run([sys.executable, "-c", FORGED, style], check=True, capture_output=True)
    lines = run.stderr.decode().split("\n")[:-1]
    assert [line for line in lines if not line.isprintable()] == []
    events = [line for line in lines if not line.startswith(" ")]
    assert len(events) == 3, events
    if style == "json":
        assert [json.loads(line)["logger"] for line in lines] == ["one", "two", "three"]


OFTEN = """
import logging

from offload.server import logging_setup

logging_setup.configure("json", "info")
for number in range(100):
    logging.getLogger("uvicorn.error").warning("Invalid HTTP request received.")
try:
    raise ValueError
except ValueError:
    for number in range(2):
        logging.getLogger("uvicorn.error").exception("Exception in ASGI application")
"""


def test_lines_that_clients_cause_are_limited_but_faults_are_not() -> None:
    run = subprocess.run([sys.executable, "-c", OFTEN], check=True, capture_output=True, text=True)
    assert [json.loads(line)["level"] for line in run.stderr.splitlines()] == ["warning", "error", "error"]
