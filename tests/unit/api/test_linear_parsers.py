"""Each parser takes linear time for any text: a header of 64 KiB, or a body, never blocks the event loop."""

import ast
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest
from python_multipart.multipart import parse_options_header

from tests.support.hostile import Repeat, repeats
from tests.support.parsers import NO_INPUT, PARSERS, Parser
from tests.support.patterns import faults_of
from tests.support.steps import steps_of

PACKAGE = Path(__file__).parents[3] / "app" / "offload"
FEW, MANY = 24, 96
MOST_GROWTH = 1.5 * MANY / FEW
"""Quadratic work grows by 16 where linear work grows by 4, and each has a constant part."""

READING = {
    *("split", "rsplit", "partition", "rpartition", "splitlines", "find", "rfind", "index", "count", "strip", "lstrip"),
    *("rstrip", "replace", "removeprefix", "fullmatch", "match", "finditer", "findall", "search", "sub"),
}
"""Methods of texts and patterns that a parser needs."""

PARSING_MODULES = {
    "re",
    "email",
    "urllib",
    "python_multipart",
    "fnmatch",
    "base64",
    "ipaddress",
    "json",
    "cgi",
    "shlex",
}

SEARCHING = {"search", "findall", "finditer", "sub", "subn", "split"}


def modules() -> Iterator[tuple[str, ast.Module]]:
    """Yields the modules that may read what a client sent."""
    for file in sorted([*PACKAGE.glob("api/**/*.py"), *PACKAGE.glob("digests/*.py"), PACKAGE / "tasks/strict_json.py"]):
        name = ".".join(file.relative_to(PACKAGE).with_suffix("").parts)
        yield name.removesuffix(".__init__"), ast.parse(file.read_text())


def looks_like_a_parser(module: ast.Module) -> bool:
    """True if it imports what parsers need, or takes a text apart."""
    for node in ast.walk(module):
        match node:
            case ast.Import(names=names) if any(one.name.partition(".")[0] in PARSING_MODULES for one in names):
                return True
            case ast.ImportFrom(module=str(source)) if source.partition(".")[0] in PARSING_MODULES:
                return True
            case ast.Call(func=ast.Attribute(attr=method)) if method in READING:
                return True
    return False


def test_no_parser_is_forgotten() -> None:
    """Enter a new one in `PARSERS`, or say in `NO_INPUT` why it is none."""
    found = {name for name, module in modules() if looks_like_a_parser(module)}
    elsewhere = {"api.batches.body", "tracing"}  # they call parsers of other modules
    assert found == (PARSERS.keys() | NO_INPUT.keys()) - elsewhere
    assert not PARSERS.keys() & NO_INPUT.keys()


def superlinear(parser: Parser) -> list[Repeat]:
    """Returns the texts whose steps grow faster than they do."""

    def grows_faster(repeat: Repeat, few: int) -> bool:
        many = few * MANY // FEW
        return steps_of(lambda: parser.read(repeat.text(many))) > MOST_GROWTH * steps_of(
            lambda: parser.read(repeat.text(few))
        )

    few = FEW // parser.shorter
    steps_of(lambda: parser.read("0"))  # compiles patterns and builds models
    # A parser may take another way from some size on, so a short text alone proves nothing.
    return [
        repeat
        for repeat in repeats(*parser.prefixes)
        if grows_faster(repeat, few) and grows_faster(repeat, few * MANY // FEW)
    ]


@pytest.mark.parametrize("module", PARSERS)
def test_steps_grow_as_the_text(module: str) -> None:
    for place, parser in enumerate(PARSERS[module]):
        assert superlinear(parser) == [], place


def test_quadratic_parsers_are_caught() -> None:
    """As python-multipart's, the standard library's of Python 3.11, and one that shortens its text at each step."""

    def counts_quotes(text: str) -> int:
        end = text.find(";")
        while end > 0 and (text.count('"', 0, end) - text.count('\\"', 0, end)) % 2:
            end = text.find(";", end + 1)
        return end

    def shortens(text: str) -> None:
        while text:
            text = text[1:]

    for read in (parse_options_header, counts_quotes, shortens):
        assert superlinear(Parser(read, ('a; a="',))), read


def patterns() -> Iterator[tuple[str, re.Pattern[str] | re.Pattern[bytes], bool]]:
    """Yields each compiled pattern of the modules, with its place, and whether it is searched for."""
    for module, tree in modules():
        searched = {
            node.func.value.id
            for node in ast.walk(tree)
            if isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in SEARCHING
            and isinstance(node.func.value, ast.Name)
        }
        for name, value in vars(import_module(f"offload.{module}")).items():
            if isinstance(value, re.Pattern):
                yield f"{module}.{name}", value, name in searched


def inline_patterns() -> Iterator[tuple[str, str | bytes, bool]]:
    """Yields each pattern that a module gives to a function of `re` as it is."""
    for module, tree in modules():
        for node in ast.walk(tree):
            match node:
                case ast.Call(
                    func=ast.Attribute(value=ast.Name(id="re"), attr=name),
                    args=[ast.Constant(value=str() | bytes() as text), *_],
                ):
                    yield f"{module}:{node.lineno}", text, name in SEARCHING


def test_patterns_take_linear_time() -> None:
    found = {place: faults_of(one.pattern, one.flags, searched=searched) for place, one, searched in patterns()}
    found |= {place: faults_of(text, searched=searched) for place, text, searched in inline_patterns()}
    assert len(found) > 20, "patterns were not found"
    assert {place: faults for place, faults in found.items() if faults} == {}


@pytest.mark.parametrize(
    ("pattern", "searched"),
    [
        (r"""\s*([^\s=;,"]+)\s*(?:=\s*("(?:[^"\\]|\\.)*"|[^\s;,"]*))?[^,"]*(?:"(?:[^"\\]|\\.)*"[^,"]*)*""", True),
        (r"(?:a+)+b", False),
        (r"(?:a|a)*b", False),
        (r"(?:a*)*+b", False),
        (r".*x", False),
        (r"(?>(?:a+)+b)", False),
        (r"[a-z]{1,50}(?:x{1,50}){1,50}", False),
        (r"(?:a++b|a)*+", False),
        (r'"[^"]*+"', True),
        (r"a++(?:b*+c)?", True),
        (r"[\[\]{}]|\"(?:[^\"\\]++|\\.)*+\"", True),
    ],
)
def test_ambiguous_patterns_are_caught(pattern: str, searched: bool) -> None:
    """The first was the one for `Prefer`, which took 29.8 s for 64 KB."""
    assert faults_of(pattern, searched=searched)


@pytest.mark.parametrize(
    ("pattern", "searched"),
    [
        (r"a*+b", False),
        (r"a++(?:b*+c)?", False),
        (r'"(?:[^"\\]++|\\.)*+"?', True),
        (r"[a-z]{1,255}", True),
        ("a|b++", True),
    ],
)
def test_plain_patterns_are_not(pattern: str, searched: bool) -> None:
    assert faults_of(pattern, searched=searched) == []
