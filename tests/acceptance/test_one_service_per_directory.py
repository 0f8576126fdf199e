"""A data directory has one service: a second one names the first and exits, and a dead one does not hold it."""

from pathlib import Path

import pytest

from tests.support.server import DidNotStartError, Server


def test_a_second_service_names_the_first_and_exits(tmp_path: Path) -> None:
    with Server(tmp_path / "first") as first:
        job_id = first.api.submit("spin", {})["id"]
        lane = first.api.lane_of(job_id)
        with (
            pytest.raises(DidNotStartError) as refused,
            Server(tmp_path / "second", data_dir=str(first.data_dir)),
        ):
            pass
        assert refused.value.code not in {0, None}
        assert str(first.process.pid) in refused.value.stderr
        assert str(first.data_dir) in refused.value.stderr
        assert "Traceback" not in refused.value.stderr
        assert first.api.lane_of(job_id) == lane
        first.api.cancel(job_id)


def test_a_killed_service_does_not_hold_the_directory(tmp_path: Path) -> None:
    with Server(tmp_path) as server:
        job_id = server.api.submit("greet", {"name": "you"})["id"]
        server.kill()
        server.start().api.succeeded(job_id)
