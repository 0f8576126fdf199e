"""Offload is installed beside a project that has modules called `app`, `main`, `tasks` and the like."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.install.conftest import Environment
from tests.install.project import NAMES, write_probe, write_project
from tests.support.server import Server

TASKS = ", ".join(["app.services.reports:make_report", *(f"run-{name}={name}:run" for name in NAMES)])

CALLER = """
import sys
from offload.client import Client

with Client(sys.argv[1]) as offload:
    job = offload.wait(offload.submit("make-report", {"month": 7}).id)
    print(job.result["month"])
"""


def service(environment: Environment, home: Path, work: Path, tasks: str) -> Server:
    """A service of this environment, to be started in the directory `work`."""
    server = Server(home, tasks=tasks)
    server.command, server.working_directory = environment.offload, work
    return server


def run_project(environment: Environment, home: Path, work: Path, files: dict[str, Path]) -> None:
    """Runs the functions of a project in a service that starts in `work`, and checks whose modules are imported."""
    origins = {name: str(file) for name, file in files.items()}
    with service(environment, home, work, TASKS) as server:
        for name, file in files.items():
            job = server.api.succeeded(server.api.submit(f"run-{name}", {})["id"])
            assert job["result"] == str(file)
        job = server.api.succeeded(server.api.submit("make-report", {"month": 6})["id"])
        assert job["result"] == {"month": 6, "origins": origins}, "in a lane"
        noted = work / f"origins-{server.process.pid}.json"
        assert json.loads(noted.read_text()) == origins, "in the server"
        called = subprocess.run(
            [environment.python, "-c", CALLER, server.url], cwd=work, check=True, stdout=subprocess.PIPE, text=True
        )
        assert called.stdout == "7\n"


@pytest.mark.parametrize("packages", [False, True], ids=["modules", "packages"])
def test_functions_of_the_working_directory_run(environment: Environment, tmp_path: Path, packages: bool) -> None:
    work = tmp_path / "project"
    files = write_project(work, packages=packages)
    run_project(environment, tmp_path, work, files)


@pytest.mark.parametrize("kind", ["wheel", "editable"])
def test_an_installed_project_stays_as_it_is(
    kind: str, distributions: dict[str, Path], new_environment: Callable[[], Environment], tmp_path: Path
) -> None:
    environment, work = new_environment(), tmp_path / "work"
    work.mkdir()
    files = write_project(environment.site_packages, packages=True)
    before = contents(environment.site_packages)
    environment.install(distributions[kind])
    after = contents(environment.site_packages)
    assert {path: after[path] for path in before} == before
    run_project(environment, tmp_path, work, files)


def contents(directory: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in directory.rglob("*.py")}


def test_offload_is_the_only_module_that_is_installed(environment: Environment, tmp_path: Path) -> None:
    installed = {path.stem for path in environment.site_packages.iterdir() if path.suffix in {"", ".py"}}
    assert installed - {"__pycache__"} <= {"offload", "_editable_impl_offload"}
    write_probe(tmp_path)
    with service(environment, tmp_path / "service", tmp_path, "probe:origins") as server:
        job = server.api.succeeded(server.api.submit("origins", {})["id"])
        assert job["result"] == dict.fromkeys(NAMES), "in a lane"
    code = "import offload.server.application, json, probe; print(json.dumps(probe.origins()))"
    imported = subprocess.run(
        [environment.python, "-c", code], cwd=tmp_path, check=True, stdout=subprocess.PIPE, text=True
    )
    assert json.loads(imported.stdout) == dict.fromkeys(NAMES), "beside the server's modules"
