"""nginx and Caddy in front of a real service, with the configuration of docs/operating.md."""

import hashlib
import os
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.docs.pages import ROOT, blocks
from tests.support.caller import answer
from tests.support.server import Server
from tests.support.waiting import until_sync

PAGE = ROOT / "docs" / "operating.md"
NAME = "offload.example.org"
LARGE = 20 << 20
"""Bytes of an upload: more than the 1 MB that nginx accepts by default."""

NGINX = """
daemon off; pid {here}/nginx.pid; error_log stderr;
events {{ }}
http {{
    access_log off;
    client_body_temp_path {here}/bodies; proxy_temp_path {here}/answers;
    fastcgi_temp_path {here}/fastcgi; uwsgi_temp_path {here}/uwsgi; scgi_temp_path {here}/scgi;
    include {here}/offload.conf;
}}
"""
"""The configuration around the file of the page. All paths are in a directory of the test."""


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def shown(file: str, server: Server) -> str:
    """Returns the file from the page, with the address of this service."""
    (text,) = [block.text for block in blocks(PAGE) if block.file == file]
    assert "127.0.0.1:8000" in text
    return text.replace("127.0.0.1:8000", server.url.removeprefix("http://"))


def nginx(here: Path, server: Server, port: int) -> list[str]:
    (here / "offload.conf").write_text(shown("offload.conf", server).replace("listen 8443", f"listen 127.0.0.1:{port}"))
    (here / "nginx.conf").write_text(NGINX.format(here=here))
    return ["nginx", "-p", str(here), "-c", str(here / "nginx.conf")]


def caddy(here: Path, server: Server, port: int) -> list[str]:
    # HTTP, since Caddy would request a certificate for HTTPS.
    site = shown("Caddyfile", server).replace(f"{NAME} {{", f"http://{NAME}:{port} {{")
    (here / "Caddyfile").write_text(f"{{\n    admin off\n    default_bind 127.0.0.1\n}}\n{site}")
    return ["caddy", "run", "--config", str(here / "Caddyfile"), "--adapter", "caddyfile"]


@contextmanager
def running(command: list[str], here: Path, port: int) -> Iterator[httpx.Client]:
    """A client of the proxy, by the service's public name."""
    home = {"HOME": str(here), "XDG_DATA_HOME": str(here), "XDG_CONFIG_HOME": str(here)}
    with (here / "output").open("wb") as output:
        proxy = subprocess.Popen(command, env={**os.environ, **home}, stdout=output, stderr=output)
    try:
        until_sync(lambda: proxy.poll() is not None or _listens(port), what="the proxy to listen")
        assert proxy.poll() is None, (here / "output").read_text()
        url = f"http://127.0.0.1:{port}"
        with httpx.Client(base_url=url, headers={"Host": f"{NAME}:{port}"}, trust_env=False, timeout=30) as client:
            yield client
    finally:
        proxy.terminate()
        proxy.wait(10)


def _listens(port: int) -> bool:
    with socket.socket() as knocking:
        return knocking.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(params=[nginx, caddy], ids=["nginx", "caddy"])
def proxy(request: pytest.FixtureRequest) -> Callable[[Path, Server, int], list[str]]:
    configured: Callable[[Path, Server, int], list[str]] = request.param
    if shutil.which(request.param.__name__) is None:
        pytest.skip(f"{request.param.__name__} is not installed")
    return configured


def test_streams_and_large_uploads_pass_the_proxy(
    proxy: Callable[[Path, Server, int], list[str]], tmp_path: Path
) -> None:
    gate, large, port = tmp_path / "gate", os.urandom(LARGE), free_port()
    with (
        Server(tmp_path / "service", known_hosts=NAME) as server,
        running(proxy(tmp_path, server, port), tmp_path, port) as client,
    ):
        job = answer(client.post("/jobs/hold", json={"gate": str(gate)}), 202)
        with client.stream("GET", f"/jobs/{job['id']}/events") as stream:
            received = ""
            for piece in stream.iter_text():
                received += piece
                if '"state":"running"' in received:  # the job runs until the proxy has passed this event on
                    gate.touch()
        assert '"state":"succeeded"' in received
        assert answer(client.get(f"/jobs/{job['id']}?wait=60"), 200)["state"] == "succeeded"
        upload = answer(client.put("/uploads", content=large), 201)
        digested = answer(client.post("/jobs/file-digest", json={"upload": upload["id"]}), 202)
        result = answer(client.get(f"/jobs/{digested['id']}?wait=60"), 200)["result"]
        assert result["digests"]["sha256"] == hashlib.sha256(large).hexdigest()


def test_a_host_that_is_not_known_is_refused(proxy: Callable[[Path, Server, int], list[str]], tmp_path: Path) -> None:
    port = free_port()
    with (
        Server(tmp_path / "service") as server,
        running(proxy(tmp_path, server, port), tmp_path, port) as client,
    ):
        refusal = answer(client.post("/jobs/greet", json={"name": "Ada"}), 403)
        assert "OFFLOAD_KNOWN_HOSTS" in refusal["detail"]
