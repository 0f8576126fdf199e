"""Any importable, annotated function is a task, unchanged."""

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from tests.unit.tasks import functions
from tests.unit.tasks.building import MODULE, Reports, context_in, registry_of, users_task


@pytest.mark.parametrize(
    ("attribute", "params", "result"),
    [
        ("add", {"a": 1}, 3),
        ("add", {"a": 1, "b": 5}, 6),
        ("bounded", {"count": 3}, "xxx"),
        ("keyword_only", {"ratio": 1}, [1.0, "n"]),
        ("positional_only", {"a": 1}, [1, 5, 7]),
        ("positional_only", {"a": 1, "b": 2, "c": 3}, [1, 2, 3]),
        ("no_parameters", {}, "done"),
        ("no_return", {"a": 1}, {"a": 1}),
        ("order", {"item": "tea"}, {"item": "tea", "amount": 1}),
        ("open_order", {"item": "tea", "colour": "green"}, {"item": "tea", "amount": 1, "colour": "green"}),
        ("renamed", {"sortBy": "name"}, "name"),
        ("takes_hidden", {"seen": 1, "unseen": 2}, 2),
        ("takes_rounded", {"amount": 3}, 3),
        ("two_models", {"order": {"item": "tea"}, "point": {"x": 3}}, {"item": "tea", "x": 3}),
        ("point", {"point": {"x": 3}}, {"x": 3, "y": 0}),
        ("box", {"box": {"width": 2, "height": 1.5}}, 3.0),
        ("root_model", {"numbers": [1, 2]}, 3),
        ("shadows", {"schema": "s", "copy": 1, "json": True}, ["s", 1, True, "m"]),
        ("progress_as_number", {"progress": 3}, 3),
        ("asynchronous", {"n": 1}, 2),
        ("literal", {"choice": "two"}, "two"),
        ("days", {}, {"2026-11-22": 1.5}),
        ("counts", {}, [0, 1, 2]),
        ("lenient", {}, [1, 2]),
        ("Kit.double", {"n": 4}, 8),
        ("Kit.limited", {"n": 4}, 4),
        ("Kit.named", {"n": 4}, "Kit4"),
        ("add_ten", {"a": 1}, 11),
        ("adder", {"n": 1}, 4),
    ],
)
def test_a_function_gets_its_parameters_and_returns_its_result(
    attribute: str, params: dict[str, Any], result: object, tmp_path: Path
) -> None:
    task = users_task(attribute)
    body = json.dumps(params).encode()
    assert json.loads(task.run(body, context_in(tmp_path))) == result
    assert json.loads(task.run(task.read(body).text, context_in(tmp_path))) == result


@pytest.mark.parametrize(
    ("attribute", "params"),
    [
        ("add", {}),
        ("add", {"a": "1"}),
        ("add", {"a": 1, "c": 1}),
        ("bounded", {"count": 0}),
        ("bounded", {"count": 1, "word": ""}),
        ("no_parameters", {"n": 1}),
        ("order", {"item": "tea", "colour": "green"}),
        ("order", {"order": {"item": "tea"}}),
        ("point", {"point": {"x": 3, "z": 1}}),
        ("box", {"box": {"width": 2}}),
        ("literal", {"choice": "three"}),
        ("reports", {"n": 1, "progress": None}),
        ("with_context", {"n": 1, "context": {}}),
    ],
)
def test_parameters_that_do_not_fit_the_signature_are_rejected(attribute: str, params: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        users_task(attribute).parse(json.dumps(params).encode())


def test_types_that_are_text_in_json(tmp_path: Path) -> None:
    params = {
        "when": "2026-11-22T09:00:00.5Z",
        "day": "2026-11-22",
        "amount": "1.10",
        "ident": "123e4567-e89b-12d3-a456-426614174000",
        "colour": "blue",
        "where": "a/b",
        "tags": ["x", "y"],
        "pair": [1, "one"],
    }
    result = json.loads(users_task("many_types").run(json.dumps(params).encode(), context_in(tmp_path)))
    assert result == params | {"when": "2026-11-22T09:00:00.500000Z"}


@pytest.mark.parametrize("attribute", ["reports", "reports_in_typing", "reports_anyhow"])
def test_progress_is_injected_and_not_part_of_the_body(attribute: str, tmp_path: Path) -> None:
    task, reports = users_task(attribute), Reports()
    assert task.run(b'{"n":2}', context_in(tmp_path, reports)) == b"2"
    assert reports.seen[-1] == (2, 2, None, None)
    assert list(task.params_schema["properties"]) == ["n"]


def test_annotations_that_are_text(tmp_path: Path) -> None:
    task, reports = registry_of("tests.unit.tasks.future_functions:climb")["climb"], Reports()
    assert task.run(b'{"steps":2}', context_in(tmp_path, reports)) == b"[2]"
    assert reports.seen == [(2, 2, None, None)]
    with pytest.raises(ValidationError):
        task.parse(b'{"steps":0}')


def test_the_context_is_injected(tmp_path: Path) -> None:
    reports = Reports()
    context = context_in(tmp_path, reports)
    assert json.loads(users_task("with_context").run(b'{"n":2}', context)) == str(context.places.files_dir)
    assert reports.seen == [(2, None, None, "half way")]


def test_texts_schemas_and_example_come_from_the_function() -> None:
    task = registry_of(f"{MODULE}:add")["add"]
    assert (task.summary, task.description) == ("Adds two numbers.", "The second is two\nunless it is given.")
    assert task.params_schema == {
        "title": "AddParams",
        "type": "object",
        "properties": {
            "a": {"title": "A", "type": "integer"},
            "b": {"title": "B", "type": "integer", "default": 2},
        },
        "required": ["a"],
        "additionalProperties": False,
    }
    assert task.result.schema == {"type": "integer"}
    assert task.example == {"a": 1, "b": 2}
    assert users_task("no_parameters").summary == "The task"
    assert users_task("add_ten").summary == "Adds two numbers."
    assert users_task("adder").summary == "Adds what it was made with."


def test_a_model_as_the_body_rejects_unknown_names_unless_it_allows_them() -> None:
    assert users_task("order").params_schema["additionalProperties"] is False
    assert users_task("open_order").params_schema["additionalProperties"] is True
    assert issubclass(users_task("order").params, functions.Order)


def test_names() -> None:
    registry = registry_of(f" {MODULE}:no_return , crack = {MODULE}:add,\n{MODULE}:Kit.double,")
    assert list(registry) == ["fibonacci", "file-digest", "no-return", "crack", "double"]
    assert registry_of(f"{MODULE}:add_ten")["add"].run(b'{"a":1}', context_in(Path("/tmp"))) == b"11"
