"""`uvicorn app.main:app`: the same service, started by uvicorn's own command."""

import os
import socket
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import httpx

from tests.support.caller import Caller
from tests.support.waiting import until_sync

UVICORN = Path(sys.executable).with_name("uvicorn")


def is_ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health/ready", trust_env=False).status_code == 200
    except httpx.TransportError:
        return False


def environment(**settings: str) -> dict[str, str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("OFFLOAD")}
    return {**clean, **{f"OFFLOAD_{name.upper()}": value for name, value in settings.items()}}


def test_it_serves_and_ends_without_error_output(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with socket.create_server(("127.0.0.1", 0)) as listener, (tmp_path / "stderr").open("wb") as stderr:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        service = subprocess.Popen(
            [UVICORN, "app.main:app", "--fd", str(listener.fileno())],
            env=environment(data_dir=str(data), log_level="warning"),
            stdin=subprocess.DEVNULL,
            stderr=stderr,
            pass_fds=[listener.fileno()],
        )
        try:
            until_sync(lambda: is_ready(url), within=15, what="the service to be ready")
            with closing(Caller(url)) as api:
                api.succeeded(api.submit("fibonacci", {"n": 30})["id"])
            service.terminate()
            service.wait(10)
        finally:
            service.kill()
            service.wait()
    until_sync(lambda: not list(Path(data).glob("run*")), what="the run directory to go")
    assert (tmp_path / "stderr").read_text() == ""


def test_wrong_settings_are_reported_without_a_traceback(tmp_path: Path) -> None:
    service = subprocess.run(
        [UVICORN, "app.main:app", "--port", "0"],
        env=environment(lanes="0", data_dir=str(tmp_path / "data")),
        check=False,
        capture_output=True,
        text=True,
    )
    assert service.returncode == 2
    assert service.stderr.splitlines() == [
        "offload: These settings must be changed:",
        "  OFFLOAD_LANES=0: write a whole number of at least 1, e.g. OFFLOAD_LANES=2",
    ]
    assert not (tmp_path / "data").exists()


def test_a_second_worker_names_the_process_that_holds_the_directory(tmp_path: Path) -> None:
    log = tmp_path / "stderr"
    with socket.create_server(("127.0.0.1", 0)) as listener, log.open("wb") as stderr:
        service = subprocess.Popen(
            [UVICORN, "app.main:app", "--workers", "2", "--fd", str(listener.fileno())],
            env=environment(data_dir=str(tmp_path / "data")),
            stdin=subprocess.DEVNULL,
            stderr=stderr,
            pass_fds=[listener.fileno()],
        )
        try:
            until_sync(lambda: "is in use by process" in log.read_text(), within=60, what="the second worker to say so")
        finally:
            service.terminate()
            service.wait(30)
    assert "Traceback" not in log.read_text()


def test_the_application_is_created_once(tmp_path: Path) -> None:
    code = "from app import main; assert main.app is main.app"
    subprocess.run([sys.executable, "-c", code], env=environment(data_dir=str(tmp_path / "data")), check=True)
    assert not (tmp_path / "data").exists(), "nothing starts at import"
