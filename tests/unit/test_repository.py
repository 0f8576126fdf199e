"""Checks of the repository's files: locks, changelog, image, vendored files, drawings, problem types."""

import re
import subprocess
import tomllib
from collections.abc import Iterator
from functools import cache
from itertools import chain
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from offload import __version__
from offload.api.contract.failures import EXPLANATIONS
from offload.errors import ProblemError
from offload.jobs import lifecycle
from offload.jobs.model import FailureKind, State
from offload.server.settings import Settings
from tests.conftest import modules
from tests.support.drawing import arrows
from tests.support.slow import SLOW

ROOT = Path(__file__).parents[2]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
LOCKS = ["requirements.lock", "requirements-build.lock", "requirements-dev.lock"]


@cache
def tracked() -> tuple[Path, ...]:
    """Returns every file of the repository. In a copy without git, all files but those in hidden folders and caches."""
    command = ["git", "-c", "safe.directory=*", "ls-files", "-z"]
    git = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
    if git.returncode == 0:
        return tuple(path for name in git.stdout.split("\0") if name and (path := ROOT / name).is_file())
    parts = (path.relative_to(ROOT).parts for path in ROOT.rglob("*") if path.is_file())
    return tuple(
        ROOT.joinpath(*each) for each in parts if not any(part.startswith((".", "__py")) for part in each[:-1])
    )


def locked(lock: str) -> dict[str, tuple[str, int]]:
    """Returns version and number of hashes by name, for every requirement of a lock."""
    entries = re.findall(
        r"^(\S+)==(\S+)([^\n]*\\\n(?: +--hash=sha256:[0-9a-f]{64}[ \\]*\n)+)?", text(lock), re.MULTILINE
    )
    return {canonicalize_name(name): (version, hashes.count("--hash=")) for name, version, hashes in entries}


def text(name: str) -> str:
    return (ROOT / name).read_text()


def group(name: str) -> Iterator[str]:
    """Yields the requirements of a dependency group, with those of included groups."""
    for entry in PYPROJECT["dependency-groups"][name]:
        if isinstance(entry, str):
            yield entry
        else:
            yield from group(entry["include-group"])


def extras() -> Iterator[str]:
    """Yields the requirements of all extras."""
    yield from chain.from_iterable(PYPROJECT["project"]["optional-dependencies"].values())


# ---- locks ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_has_no_address_and_no_path(lock: str) -> None:
    assert "://" not in text(lock)
    assert not re.search(r"(^|[\s@=])/", text(lock)), "a path"


@pytest.mark.parametrize("lock", LOCKS)
def test_every_locked_package_has_hashes(lock: str) -> None:
    assert {name for name, (_, hashes) in locked(lock).items() if not hashes} == set()


@pytest.mark.parametrize(
    ("lock", "wanted"),
    [
        ("requirements.lock", [*PYPROJECT["project"]["dependencies"], *extras()]),
        ("requirements-build.lock", [*group("build"), *PYPROJECT["build-system"]["requires"]]),
        ("requirements-dev.lock", [*group("dev"), *PYPROJECT["project"]["dependencies"], *extras()]),
    ],
)
def test_a_lock_has_the_dependencies_of_pyproject(lock: str, wanted: list[str]) -> None:
    """After a change of the dependencies: `make lock`."""
    versions = {name: version for name, (version, _) in locked(lock).items()}
    for requirement in map(Requirement, wanted):
        name = canonicalize_name(requirement.name)
        assert name in versions, f"{name} is not in {lock}"
        assert requirement.specifier.contains(versions[name]), f"{lock} has {name} {versions[name]}"


def test_the_tested_versions_are_the_shipped_ones() -> None:
    tested = locked("requirements-dev.lock").items()
    assert locked("requirements.lock").items() <= tested
    assert locked("requirements-build.lock").items() <= tested


def test_uv_lock_is_not_in_the_repository() -> None:
    """It has the addresses of the mirror that made it."""
    assert "uv.lock" not in {path.name for path in tracked()}


# ---- files ----------------------------------------------------------------------------------------------------------


def test_no_file_has_a_path_of_the_machine_it_was_written_on() -> None:
    paths = re.compile(rb"/(?:work|root)/[a-z.]|/tmp/w/|/home/[a-z]+/(?!\.\.\.)|/opt/pypi")
    found = {
        f"{path.relative_to(ROOT)}: {match[0].decode()}"
        for path in tracked()
        if path != Path(__file__)
        for match in paths.finditer(path.read_bytes())
    }
    assert found == set()


def test_the_changelog_begins_with_this_version() -> None:
    versions = re.findall(r"^## \[(\d[^\]]*)\] - (\d{4}-\d\d-\d\d|Unreleased)$", text("CHANGELOG.md"), re.MULTILINE)
    assert versions[0][0] == __version__


def test_only_files_that_the_dockerfile_copies_are_sent_to_the_build() -> None:
    rules = [line for line in text(".dockerignore").splitlines() if line and not line.startswith("#")]
    copies = re.findall(r"^COPY (?!--from)(.+) \S+$", text("Dockerfile"), re.MULTILINE)
    assert rules[0] == "*"
    assert {rule[1:] for rule in rules if rule.startswith("!")} == set(
        chain.from_iterable(each.split() for each in copies)
    )


@pytest.mark.parametrize("name", ["Makefile", "Dockerfile", "docker-compose.yml"])
def test_every_setting_that_is_named_exists(name: str) -> None:
    real = {f"OFFLOAD_{field.upper()}" for field in Settings.model_fields}
    named = set(re.findall(r"\bOFFLOAD_[A-Z0-9_]*[A-Z0-9]", text(name)))
    assert named
    assert named <= real


def test_every_make_target_has_a_description() -> None:
    names = re.findall(r"^\.PHONY: (.+)$", text("Makefile"), re.MULTILINE)[0].split()
    assert re.findall(r"^([a-z-]+):.* ## \S", text("Makefile"), re.MULTILINE) == names


def test_swagger_ui_is_complete_without_its_package() -> None:
    """No file refers to a source map, which is not there, and VENDORED.md has the version of the bundle."""
    place = ROOT / "app/offload/web/swagger-ui"
    names = {path.name for path in place.iterdir()}
    assert {"swagger-ui-bundle.js", "swagger-ui.css", "favicon-32x32.png", "LICENSE", "NOTICE"} <= names
    for path in place.glob("*.[cj]s*"):
        assert b"sourceMappingURL=" not in path.read_bytes()
    noted = re.match(r"# Swagger UI (\S+)\n", (place / "VENDORED.md").read_text())
    assert noted
    assert f'"{noted[1]}"' in (place / "swagger-ui-bundle.js").read_text()


def test_uplot_is_vendored_with_its_licence() -> None:
    """VENDORED.md has the version of the module."""
    place = ROOT / "app/offload/web/page/vendor/uplot"
    assert "Leon Sorokin" in (place / "LICENSE").read_text()
    noted = re.match(r"# uPlot (\S+)\n", (place / "VENDORED.md").read_text())
    assert noted
    assert f"(v{noted[1]})" in (place / "uPlot.esm.js").read_text()


# ---- drawings and problems -------------------------------------------------------------------------------------------


def test_the_drawing_of_the_states_has_exactly_the_edges() -> None:
    assert arrows(lifecycle.__doc__ or "", set(State)) == lifecycle.EDGES


def problems(of: type[ProblemError] = ProblemError) -> Iterator[type[ProblemError]]:
    yield of
    for kind in of.__subclasses__():
        yield from problems(kind)


def test_every_problem_has_its_own_type_and_an_explanation() -> None:
    kinds = [kind for kind in problems() if kind.__module__ == "offload.errors" and "type" in vars(kind)]
    types = [kind.type for kind in kinds]
    assert sorted(types) == sorted(set(types))
    assert [kind for kind in kinds if not vars(kind).get("__doc__")] == []


def test_every_kind_of_failure_is_explained() -> None:
    assert set(EXPLANATIONS) == set(FailureKind)


# ---- the tests ------------------------------------------------------------------------------------------------------


def test_slow_tests_are_where_the_list_says() -> None:
    assert [path for path in SLOW if not (ROOT / "tests" / path).exists()] == []


def test_only_tests_that_exist_may_be_skipped() -> None:
    assert [path for path in modules(ROOT / ".ci/may-skip") if not (ROOT / path).is_file()] == []
