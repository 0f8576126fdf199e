"""`docs/client.md` is complete. Its examples are run by `tests/docs`."""

import inspect
import re
from pathlib import Path

from offload.client import Client
from offload.options import OPTIONS

PAGE = (Path(__file__).parents[2] / "docs/client.md").read_text()


def table(head: str) -> str:
    """Return the rows of the table whose first column has this head."""
    (rows,) = re.findall(rf"^\| {head} \|.*?\n\n", PAGE, re.MULTILINE | re.DOTALL)
    return str(rows)


def first_column(head: str) -> set[str]:
    """Return the names in the first column of a table."""
    return set(re.findall(r"^\| `(\w+)` \|", table(head), re.MULTILINE))


def test_every_example_shows_its_output() -> None:
    shown = re.findall(r"```python\n[^`]*```\n\n```text\n", PAGE)
    assert len(shown) == PAGE.count("```python") > 0


def test_every_method_is_in_the_table() -> None:
    """Except `close` and `url`, which need no explanation, and `perform`, which is for requests without a method."""
    methods = {name for name in vars(Client) if not name.startswith("_")} - {"perform", "close", "url"}
    rows = re.sub(r"; `jobs` follows.*", " ", table("methods"))
    assert set(re.findall(r"`(\w+)`(?=[,; ])", rows)) == methods


def test_every_argument_is_in_the_table() -> None:
    assert first_column("argument") == inspect.signature(Client).parameters.keys()


def test_every_option_is_in_the_table() -> None:
    assert first_column("option") == OPTIONS.keys()
