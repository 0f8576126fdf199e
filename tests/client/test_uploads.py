"""The bodies of uploads."""

from pathlib import Path

import pytest

from offload.client.uploads import PathBody


def test_a_file_that_has_become_shorter_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"12345")
    assert b"".join(PathBody(path=str(tmp_path / "file"), size=4).chunks()) == b"1234"
    with pytest.raises(OSError, match="shorter"):
        list(PathBody(path=str(tmp_path / "file"), size=6).chunks())
