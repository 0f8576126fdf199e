"""Checks of the documents: tables, drawings, links, names. `tests/docs/test_snippets.py` runs the examples."""

import ast
import re
from pathlib import Path

import pytest
from pydantic.fields import FieldInfo

from offload.jobs.lifecycle import EDGES
from offload.jobs.model import State
from offload.server.settings import NOT_SETTINGS, PREFIX, Settings

ROOT = Path(__file__).parents[2]
SETTINGS = ROOT / "docs/settings.md"
HOW_IT_WORKS = ROOT / "docs/how-it-works.md"
HAPPENS = ROOT / "docs/what-happens-when.md"
RECORDS = sorted((ROOT / "docs/decisions").glob("[0-9]*.md"))
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "app").rglob("*.md")])

MOST_LINES = 25


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def is_address(target: str) -> bool:
    return "://" in target


def is_a_test(name: str) -> bool:
    """Returns True if `tests/file.py::test_name` is a function of that file."""
    file, _, function = name.partition("::")
    module = ast.parse((ROOT / file).read_text())
    functions = {node.name for node in module.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
    return function.startswith("test_") and function in functions


def anchor(heading: str) -> str:
    """Returns the fragment that GitHub gives a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


# ---- tables and drawings --------------------------------------------------------------------------------------------


def default(field: FieldInfo) -> str:
    """Returns a default as it is written in the environment; blank if it is computed, as the description explains."""
    if field.default_factory is not None:
        return ""
    value = field.get_default()
    if isinstance(value, bool):
        return f"`{value:d}`"
    if isinstance(value, float):
        return f"`{value:g}`"
    return "" if value in ("", (), None) else f"`{value}`"


def test_every_setting_is_in_the_table_with_its_default() -> None:
    expected = [
        f"| `{PREFIX}{name.upper()}` | {default(field)} | {field.description} |".replace("|  |", "| |")
        for name, field in Settings.model_fields.items()
    ]
    assert re.findall(rf"^\| `{PREFIX}.*$", SETTINGS.read_text(), re.MULTILINE) == expected


def test_the_drawing_of_the_states_has_exactly_the_edges() -> None:
    drawn = re.compile(r"^```mermaid\n(stateDiagram.*?)^```$", re.MULTILINE | re.DOTALL)
    (drawing,) = drawn.findall(HOW_IT_WORKS.read_text())
    arrows = set(re.findall(r"^ *(\S+) --> ([\w*\[\]]+)", drawing, re.MULTILINE))
    ends = {("[*]", State.QUEUED)} | {(state, "[*]") for state in State if state.terminal}
    assert arrows == EDGES | ends


def test_every_row_of_what_happens_names_a_test() -> None:
    text = HAPPENS.read_text()
    for section in text.split("\n## ")[1:]:
        rows = re.findall(r"^\| (?!---|event )", section, re.MULTILINE)
        held = re.findall(r"^(tests/\S+)$", section, re.MULTILINE)
        assert len(held) == len(rows)
        assert [name for name in held if not is_a_test(name)] == []


def test_the_table_of_folders_has_every_folder_of_the_package() -> None:
    package = ROOT / "app/offload"
    named = {name.rstrip("/") for name in re.findall(r"`([\w/]+/)`", HOW_IT_WORKS.read_text().split("\n## ")[-1])}
    top = {each.name for each in package.iterdir() if each.is_dir() and not each.name.startswith("_")}
    clone = {"docs", "tests", "bench", "files"}
    assert top <= named
    assert [name for name in sorted(named - clone) if not (package / name).is_dir()] == []


# ---- any document ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("document", DOCUMENTS, ids=named)
def test_every_file_that_is_named_exists(document: Path) -> None:
    names = re.findall(r"`((?:app|docs|tests)/[\w./-]+)[`:]", document.read_text())
    assert [name for name in names if not (ROOT / name).exists()] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=named)
def test_every_link_has_a_target(document: Path) -> None:
    text = document.read_text()
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if is_address(target):
            continue
        path, _, fragment = target.partition("#")
        linked = document.parent / path if path else document
        assert linked.exists(), target
        if fragment:
            headings = re.findall(r"^#+ (.+)$", linked.read_text(), re.MULTILINE)
            assert fragment in {anchor(heading) for heading in headings}, target


@pytest.mark.parametrize("document", DOCUMENTS, ids=named)
def test_every_setting_that_is_named_exists(document: Path) -> None:
    real = {PREFIX + name.upper() for name in Settings.model_fields} | NOT_SETTINGS
    assert set(re.findall(rf"\b{PREFIX}[A-Z_]*[A-Z]", document.read_text())) <= real


# ---- decisions ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("record", RECORDS, ids=named)
def test_a_decision_is_short_and_complete(record: Path) -> None:
    text = record.read_text()
    assert len(text.splitlines()) <= MOST_LINES
    assert re.match(rf"# {int(record.name[:4])}\. \S", text)
    assert re.findall(r"^\*\*(\w+)\.\*\*", text, re.MULTILINE) == ["Context", "Decision", "Consequence"]


@pytest.mark.parametrize("record", RECORDS, ids=named)
def test_a_decision_names_a_test_that_exists(record: Path) -> None:
    last = record.read_text().splitlines()[-1]
    held = re.fullmatch(r"Held by: `(tests/\S+)`", last)
    assert held, last
    assert is_a_test(held[1])


def test_the_list_of_decisions_is_complete() -> None:
    titles = [record.read_text().partition("\n")[0].partition(". ")[2] for record in RECORDS]
    expected = [f"- [{path.name[:4]}]({path.name}) {title}" for path, title in zip(RECORDS, titles, strict=True)]
    listed = (ROOT / "docs/decisions/README.md").read_text()
    assert [line for line in listed.splitlines() if line.startswith("- ")] == expected
