"""What a task returns becomes JSON, or an error that says why it can't."""

from pathlib import Path
from typing import Any, Never, NoReturn

import pytest

from offload.tasks.faults import ResultNotSerializableError
from offload.tasks.result import result_type
from tests.unit.tasks.building import context_in, users_task


@pytest.mark.parametrize(
    ("what", "says"),
    [
        ("nan", "Out of range float"),
        ("infinity", "Out of range float"),
        ("huge", "4300"),
        ("object", "object"),
        ("bytes", "there are bytes in it"),
        ("bytearray", "there are bytearray in it"),
        ("not-utf-8", "utf-8"),
        ("bytes-key", "there are bytes in it"),
        ("surrogate", "surrogates not allowed"),
        ("circular", "Circular reference"),
        ("function", "function"),
    ],
)
def test_a_value_that_json_can_not_represent(what: str, says: str, tmp_path: Path) -> None:
    with pytest.raises(ResultNotSerializableError, match=says) as refused:
        users_task("gives").run(f'{{"what":"{what}"}}'.encode(), context_in(tmp_path))
    assert "Return bytes as text" in str(refused.value)
    assert refused.value.kind == "result-not-serializable"


def test_nan_in_a_model_does_not_become_null(tmp_path: Path) -> None:
    with pytest.raises(ResultNotSerializableError):
        users_task("gives_nan_in_model").run(b"{}", context_in(tmp_path))


def test_text_is_utf_8_and_not_escaped(tmp_path: Path) -> None:
    assert users_task("literal").run(b'{"choice":"one"}', context_in(tmp_path)) == b'"one"'
    assert users_task("bounded").run('{"count":1,"word":"ä€"}'.encode(), context_in(tmp_path)) == '"ä€"'.encode()


@pytest.mark.parametrize("annotation", [None, Never, NoReturn])
def test_no_result_is_described_as_null(annotation: Any) -> None:
    assert result_type(annotation).schema == {"type": "null"}
