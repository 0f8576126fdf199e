"""What a task returns becomes JSON, or an error that says why it can't."""

from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple, Never, NoReturn

import pytest
from pydantic import BaseModel, Field, computed_field

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


class Row(BaseModel):
    score: Any
    note: str = ""


class Rows(BaseModel):
    rows: list[Row]


class Aliased(BaseModel):
    n: int = Field(alias="N")
    m: int = Field(default=2, serialization_alias="M")

    @computed_field(alias="S")  # type: ignore[prop-decorator]  # as pydantic documents it
    @property
    def total(self) -> int:
        return self.n + self.m


@dataclass
class Holder:
    counts: dict[Any, int] = field(default_factory=dict)


class Pair(NamedTuple):
    left: Any
    right: Any


class Scalar:
    """A value with the interface of numpy's scalars and arrays, as far as it matters."""

    def __init__(self, value: object, kind: str, size: int = 1) -> None:
        self.value, self.dtype, self.size = value, SimpleNamespace(kind=kind), size

    def tolist(self) -> object:
        return self.value

    def __float__(self) -> float:
        return 0.0


class Integer(Scalar):
    def __index__(self) -> int:
        return 0


class Array(Scalar):
    def __len__(self) -> int:
        return self.size


class Index:
    def __index__(self) -> int:
        return 0


class Float:
    def __float__(self) -> float:
        return 0.0


@pytest.mark.parametrize(
    ("annotation", "value", "written"),
    [
        (Aliased, Aliased(N=1), '{"N":1,"M":2,"S":3}'),
        (list[Aliased], [Aliased(N=1)], '[{"N":1,"M":2,"S":3}]'),
        (Any, Aliased(N=1), '{"N":1,"M":2,"S":3}'),
        (dict[int, str], {1: "a", 2: "b"}, '{"1":"a","2":"b"}'),
        (Any, {1: "a", "2": "b", None: "c"}, '{"1":"a","2":"b","None":"c"}'),
        (int, Integer(3, "i"), "3"),
        (float, Scalar(0.5, "f"), "0.5"),
        (bool, Scalar(True, "b"), "true"),
        (list[float], Array([1.0, 2.5], "f", 2), "[1.0,2.5]"),
        (Any, {"a": [Array([[1], [2]], "u", 2), Scalar("x", "U")]}, '{"a":[[[1],[2]],"x"]}'),
        (Rows, Rows(rows=[Row(score=Integer(3, "i"))]), '{"rows":[{"score":3,"note":""}]}'),
        (Any, {Integer(3, "i"): 1}, '{"3":1}'),
    ],
)
def test_a_value_is_written_as_its_schema_says(annotation: Any, value: object, written: str) -> None:
    result = result_type(annotation)
    assert result.write(value).decode() == written
    if annotation is Aliased:
        assert set(result.schema["properties"]) == {"N", "M", "S"}


LOOP: list[object] = [1]
LOOP.append({"again": LOOP})


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ({1: "a", "1": "b"}, ': two keys of a dict are both written as "1".'),
        ([{"a": {None: 1, "None": 2}}], 'result[0].a (dict): two keys of a dict are both written as "None".'),
        ([Holder(counts={True: 1, "true": 2})], "result[0].counts (dict): two keys"),
        ({"a b": Rows(rows=[Row(score={("1", "2"): 1, "1,2": 2})])}, "result['a b'].rows[0].score (dict): two keys"),
        (Rows(rows=[Row(score=1), Row(score=object())]), "result.rows[1].score (object): pydantic can't write object."),
        (Rows(rows=[Row(score=1), Row(score=float("nan"))]), "result.rows[1].score (float): Out of range"),
        ({"a": Pair(1, [b"x"])}, "result.a.right[0] (bytes): there are bytes in it"),
        ([0, 10**5000], "result[1] (int): Exceeds the limit (4300"),
        ([Index()], "Index; return int(x)."),
        ([Float()], "Float; return float(x)."),
        ([Array([1], "O", 1)], "Array; return x.tolist()."),
        ([Scalar(1, "M")], "Scalar; return str(x)."),
        ([Array([1], "i", 100_001)], "an array of 100001 elements; up to 100000 are converted"),
        (LOOP, "result[1].again (list): Circular reference detected"),
    ],
)
def test_an_error_names_the_place(value: object, says: str) -> None:
    for annotation in (Any, type(value)):
        with pytest.raises(ResultNotSerializableError) as refused:
            result_type(annotation).write(value)
        assert says in str(refused.value)
