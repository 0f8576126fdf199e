"""Another program damages the journal of a real service while it runs."""

import os
from pathlib import Path

import pytest

from tests.support.server import DidNotStartError, Server


@pytest.mark.parametrize("name", ["journal.sqlite3", "journal.sqlite3-wal"])
def test_a_truncated_journal_accepts_nothing(tmp_path: Path, name: str) -> None:
    with Server(tmp_path) as server:
        api = server.api
        api.succeeded(api.submit("greet", {"name": "you"})["id"])
        os.truncate(server.data_dir / name, 0)
        for _ in range(2):
            problem = api.submit("greet", {"name": "you"}, expect=503)
            assert problem["type"] == "/problems/storage-failed"
            assert "truncated or overwritten while in use. Stop the service and restore a backup" in problem["detail"]
        assert api.get("/health/ready", expect=503)["parts"].keys() == {"journal"}
        server.kill()
        with pytest.raises(DidNotStartError, match="restore a backup") as refused:
            server.start()
        assert refused.value.code == 3
