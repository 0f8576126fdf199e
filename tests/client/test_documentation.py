"""`docs/client.md` leaves nothing out. Its examples are run by `tests/docs`."""

import re
from pathlib import Path

from offload.client import Client

PAGE = (Path(__file__).parents[2] / "docs/client.md").read_text()


def test_every_example_says_what_it_prints() -> None:
    told = re.findall(r"```python\n[^`]*```\n\n```text\n", PAGE)
    assert len(told) == PAGE.count("```python") > 0


def test_every_method_is_in_the_table() -> None:
    """`perform` is for calls made by hand, `close` and `url` say what they are."""
    methods = {name for name in vars(Client) if not name.startswith("_")} - {"perform", "close", "url"}
    (table,) = re.findall(r"^\| methods \|.*?\n\n", PAGE, re.MULTILINE | re.DOTALL)
    assert set(re.findall(r"`(\w+)`(?=[,; ])", re.sub(r"; `jobs` follows.*", " ", table))) == methods
