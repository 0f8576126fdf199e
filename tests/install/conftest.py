"""The distributions, built once, and environments into which they are installed for real."""

import subprocess
import sys
import sysconfig
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

BUILD = "import sys, hatchling.build; print(getattr(hatchling.build, sys.argv[1])(sys.argv[2]))"
"""Calls a hook of the build backend, as pip and `python -m build` do, but without an environment of its own."""


def build(hook: str, into: Path, source: Path = ROOT) -> Path:
    """Returns the distribution that `build_wheel`, `build_sdist` or `build_editable` makes of a source tree."""
    command = [sys.executable, "-c", BUILD, hook, str(into)]
    built = subprocess.run(command, cwd=source, check=True, stdout=subprocess.PIPE, text=True)
    return into / str(built.stdout).splitlines()[-1]


@dataclass(frozen=True)
class Environment:
    """A virtual environment that has Offload, and may use what is installed beside the tests."""

    directory: Path

    @property
    def python(self) -> Path:
        return self.directory / "bin/python"

    @property
    def offload(self) -> Path:
        """The command."""
        return self.directory / "bin/offload"

    @property
    def site_packages(self) -> Path:
        (found,) = self.directory.glob("lib/python3.*/site-packages")
        return found

    def install(self, distribution: Path) -> None:
        """Installs a wheel as a user does, but without a package index."""
        options = ["--quiet", "--disable-pip-version-check", "--no-index", "--no-deps"]
        pip = [sys.executable, "-m", "pip", "--python", str(self.python)]
        subprocess.run([*pip, "install", *options, str(distribution)], check=True)
        self.lend_dependencies()

    def lend_dependencies(self) -> None:
        """Puts the packages of the tests' own environment at the end of the path.

        Python does not read the .pth files of a directory that is named in one. So the editable `offload` of the
        tests' environment stays out. The name sorts before `_editable_impl_offload.pth`, which needs `editables`.
        """
        (self.site_packages / "_dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")


@pytest.fixture(scope="session")
def distributions(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """By its kind, each distribution of this source tree."""
    into = tmp_path_factory.mktemp("dist")
    editable = tmp_path_factory.mktemp("editable")
    return {
        "wheel": build("build_wheel", into),
        "sdist": build("build_sdist", into),
        "editable": build("build_editable", editable),
    }


@pytest.fixture(scope="session")
def new_environment(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Environment]:
    """A function that makes an empty environment."""

    def new() -> Environment:
        directory = tmp_path_factory.mktemp("environment")
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", directory], check=True)
        return Environment(directory)

    return new


@pytest.fixture(scope="session", params=["wheel", "editable"])
def environment(
    request: pytest.FixtureRequest, distributions: dict[str, Path], new_environment: Callable[[], Environment]
) -> Environment:
    """An environment into which Offload is installed, from its wheel or in development mode."""
    environment = new_environment()
    environment.install(distributions[request.param])
    return environment
