"""What is logged, by a process of its own: logging is set up once for a whole process."""

import subprocess
import sys

BROKEN_FORM = """
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser

from app import logs

logs.configure("json", "info")
try:
    MultipartParser(b"boundary").write(b"nonsense")
except FormParserError as error:
    print(error)
"""


def test_a_form_that_a_client_breaks_is_told_to_the_client_alone() -> None:
    run = subprocess.run([sys.executable, "-c", BROKEN_FORM], check=True, capture_output=True, text=True)
    assert "boundary" in run.stdout
    assert run.stderr == ""
