"""What `make dist` builds: nothing but `offload` and its metadata, complete, and accepted by package indexes."""

import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path, PurePosixPath

from offload import __version__
from tests.install.conftest import ROOT, build

PACKAGE = {
    str(path.relative_to(ROOT / "app"))
    for path in (ROOT / "app/offload").rglob("*")
    if path.is_file() and "__pycache__" not in path.parts
}

SDIST_METADATA = {".gitignore", "LICENSE", "PKG-INFO", "README.md", "pyproject.toml"}


def files_of(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_the_wheel_holds_only_the_package(distributions: dict[str, Path]) -> None:
    names = set(files_of(distributions["wheel"]))
    metadata = {name for name in names if name.startswith(f"offload-{__version__}.dist-info/")}
    assert metadata
    assert names - metadata == PACKAGE


def test_the_sdist_holds_only_the_package(distributions: dict[str, Path]) -> None:
    with tarfile.open(distributions["sdist"]) as archive:
        paths = [PurePosixPath(member.name) for member in archive if member.isfile()]
    assert {path.parts[0] for path in paths} == {f"offload-{__version__}"}
    names = {str(path.relative_to(path.parts[0])) for path in paths}
    assert names - SDIST_METADATA == {f"app/{name}" for name in PACKAGE}


def test_the_sdist_builds_the_same_wheel(distributions: dict[str, Path], tmp_path: Path) -> None:
    with tarfile.open(distributions["sdist"]) as archive:
        archive.extractall(tmp_path, filter="data")
    rebuilt = build("build_wheel", tmp_path, tmp_path / f"offload-{__version__}")
    assert files_of(rebuilt) == files_of(distributions["wheel"])


def test_package_indexes_accept_them(distributions: dict[str, Path]) -> None:
    twine = [sys.executable, "-m", "twine", "check", "--strict"]
    checked = subprocess.run(
        [*twine, distributions["wheel"], distributions["sdist"]], check=False, capture_output=True, text=True
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr
