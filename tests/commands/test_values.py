"""`name=value` arguments, and formatted durations, sizes and times."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal

import pytest
import typer
from pydantic import BaseModel, Field, create_model

from offload.commands.arguments.values import read_params
from offload.commands.jobs import parse_time
from offload.commands.terminal.units import ago, duration, size


class Point(BaseModel):
    x: int
    y: int


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (str, "42", "42"),
        (str, '"quoted"', '"quoted"'),
        (str, "a=b", "a=b"),
        (int, "42", 42),
        (int, "many", "many"),
        (int, "1" * 5000, "1" * 5000),
        (float, "1.5", 1.5),
        (float, "1", 1),
        (float, "NaN", "NaN"),
        (float, "1e400", "1e400"),
        (float, "-1e400", "-1e400"),
        (list[float], "[1e400]", "[1e400]"),
        (bool, "true", True),
        (bool, "yes", "yes"),
        (int | None, "null", None),
        (int | None, "7", 7),
        (str | None, "null", None),
        (str | None, "7", "7"),
        (int | str, "7", 7),
        (int | str, "seven", "seven"),
        (list[int], "[1, 2]", [1, 2]),
        (dict[str, int], '{"a": 1}', {"a": 1}),
        (Point, '{"x": 1, "y": 2}', {"x": 1, "y": 2}),
        (list[Point], '[{"x": 1, "y": 2}]', [{"x": 1, "y": 2}]),
        (Literal["fast", "5"], "5", "5"),
        (Literal[5, 6], "5", 5),
        (Annotated[int, Field(gt=0)], "5", 5),
        (Any, "5", 5),
        (Any, "five", "five"),
        (object, "[", "["),
    ],
)
def test_values_are_read_by_the_schema(kind: Any, text: str, value: object) -> None:
    params: type[BaseModel] = create_model("Params", it=(kind, ...))
    schema = params.model_json_schema()
    read = read_params([f"it={text}"], {}, schema)
    assert read == {"it": value}
    assert type(read["it"]) is type(value)


def test_unknown_names_are_sent_to_the_service() -> None:
    assert read_params(["new=5", "a=b"], {}, {"properties": {}}) == {"new": 5, "a": "b"}


def test_name_value_overrides_params() -> None:
    assert read_params(["a=2"], {"a": 1, "b": 1}, {}) == {"a": 2, "b": 1}
    with pytest.raises(typer.BadParameter, match="object"):
        read_params(["a=2"], [1], {})


@pytest.mark.parametrize(
    ("seconds", "read"),
    [
        (None, ""),
        (0.00042, "0.4 ms"),
        (0.0421, "42 ms"),
        (1.26, "1.3 s"),
        (59.4, "59 s"),
        (60, "1 min"),
        (61, "1 min 1 s"),
        (3600, "1 h"),
        (7260, "2 h 1 min"),
        (200_000, "2 days"),
    ],
)
def test_durations(seconds: float | None, read: str) -> None:
    assert duration(seconds) == read


@pytest.mark.parametrize(
    ("count", "read"),
    [(None, ""), (0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (10 << 20, "10 MiB"), (5 << 50, "5120 TiB")],
)
def test_sizes(count: int | None, read: str) -> None:
    assert size(count) == read


@pytest.mark.parametrize(
    ("seconds", "read"),
    [(0.2, "now"), (-5, "now"), (59, "59 s ago"), (90, "1 min ago"), (90_000, "25 h ago"), (200_000, "2 days ago")],
)
def test_ages(seconds: float, read: str) -> None:
    assert ago(datetime.now(UTC) - timedelta(seconds=seconds + 0.1)) == read


def test_times() -> None:
    assert abs(datetime.now(UTC) - parse_time("15m") - timedelta(minutes=15)) < timedelta(minutes=1)
    assert parse_time("2026-11-23T09:00:00Z") == datetime(2026, 11, 23, 9, tzinfo=UTC)
    assert parse_time("2026-11-23").tzinfo is not None
    for wrong in ("soon", "", "1e999d", "m"):
        with pytest.raises(typer.BadParameter):
            parse_time(wrong)
