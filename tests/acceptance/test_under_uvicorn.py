"""`uvicorn app.main:app`: the same service, by somebody else's command."""

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


def answers(url: str) -> bool:
    """True once the service is ready."""
    try:
        return httpx.get(f"{url}/health/ready", trust_env=False).status_code == 200
    except httpx.TransportError:
        return False


def test_it_serves_and_ends_without_a_complaint(tmp_path: Path) -> None:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("OFFLOAD")}
    data = tmp_path / "data"
    with socket.create_server(("127.0.0.1", 0)) as listener, (tmp_path / "stderr").open("wb") as stderr:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        service = subprocess.Popen(
            [UVICORN, "app.main:app", "--fd", str(listener.fileno())],
            env={**clean, "OFFLOAD_DATA_DIR": str(data), "OFFLOAD_LOG_LEVEL": "warning"},
            stdin=subprocess.DEVNULL,
            stderr=stderr,
            pass_fds=[listener.fileno()],
        )
        try:
            until_sync(lambda: answers(url), within=15, what="the service to be ready")
            with closing(Caller(url)) as api:
                api.succeeded(api.submit("fibonacci", {"n": 30})["id"])
            service.terminate()
            service.wait(10)
        finally:
            service.kill()
            service.wait()
    until_sync(lambda: not list(Path(data).glob("run*")), what="the run directory to go")
    assert (tmp_path / "stderr").read_text() == ""
