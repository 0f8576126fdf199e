"""The examples of `docs/client.md`, each run as it stands."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from app.client import Client

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/client.md").read_text()
EXAMPLES = re.findall(r"```python\n([^`]*)```\n\n```text\n([^`]*)```", PAGE)


def test_every_example_says_what_it_prints() -> None:
    assert len(EXAMPLES) == PAGE.count("```python") > 0


@pytest.mark.parametrize(("program", "printed"), EXAMPLES)
def test_an_example_prints_what_it_says(url: str, program: str, printed: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        env={"OFFLOAD_URL": url, "PYTHONPATH": str(ROOT)},
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (ended.stdout, ended.stderr) == (printed, "")


def test_every_method_is_in_the_table() -> None:
    """`perform` is for calls made by hand, `close` and `url` say what they are."""
    methods = {name for name in vars(Client) if not name.startswith("_")} - {"perform", "close", "url"}
    (table,) = re.findall(r"^\| methods \|.*?\n\n", PAGE, re.MULTILINE | re.DOTALL)
    assert set(re.findall(r"`(\w+)`(?=[,; ])", re.sub(r"; `jobs` follows.*", " ", table))) == methods
