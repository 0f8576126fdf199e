"""No thread can be started for a moment: a request that needs one is rejected, and nothing is left of it."""

import threading
from pathlib import Path
from typing import NoReturn

import pytest

from tests.support.api_server import api_server
from tests.support.problems import problem

pytestmark = pytest.mark.anyio


def no_thread(*_: object) -> NoReturn:
    raise RuntimeError("can't start new thread")


async def test_an_upload_is_rejected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with api_server(tmp_path) as server:
        with monkeypatch.context() as patched:
            patched.setattr(threading.Thread, "start", no_thread)
            response = await server.client.post("/uploads", content=b"abc")
        rejected = problem(response, 503, "not-ready")
        assert "no more threads" in rejected["detail"]
        assert response.headers["retry-after"] == "1"
        assert list(server.uploads_dir.iterdir()) == []
        assert (await server.client.post("/uploads", content=b"abc")).status_code == 201
