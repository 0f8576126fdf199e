"""Forms made from schemas of real tasks: the fields, the values that they send, and the errors that they show.

`test_submit.py` tests the view that contains them.
"""

import datetime as dt
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Literal

import pytest
from playwright.sync_api import Browser, Locator, Page, expect
from pydantic import BaseModel, Field, ValidationError

from offload.api.contract.validation import invalid_model
from offload.options import OPTIONS
from offload.tasks.build import build_task
from offload.tasks.definition import Task
from offload.tasks.registry import RegistrySpec, load_registry
from tests.support import sample_tasks
from tests.support.browser import new_context
from tests.support.server import SAMPLE_TASKS, Server

BEYOND = 18446744073709551617
"""2⁶⁴ + 1: JavaScript rounds it to 2⁶⁴."""


class Colour(Enum):
    RED = "red"
    GREEN = "green"


class Point(BaseModel):
    """A point."""

    x: float
    y: float = 0.0


class Circle(BaseModel):
    kind: Literal["circle"] = "circle"
    centre: Point
    radius: Annotated[float, Field(gt=0)]


class Square(BaseModel):
    kind: Literal["square"] = "square"
    side: float


class Tree(BaseModel):
    name: str
    children: list["Tree"] = []


Shape = Annotated[Circle | Square, Field(discriminator="kind")]


def draw(  # noqa: PLR0913  # one parameter of each kind
    *,
    title: Annotated[str, Field(min_length=2, max_length=8, pattern="^[A-Z]", description="Shown above the drawing.")],
    shapes: list[Shape],
    colour: Colour = Colour.RED,
    scale: Annotated[float, Field(gt=0, le=10)] = 1.5,
    seed: int | None = None,
    limit: int | None = 10,
    mode: Literal["fast", 2] | None = None,
    verbose: bool = False,
    tags: Annotated[list[str], Field(max_length=2)] = [],  # noqa: B006  # only pydantic reads it
    weights: list[float] = [1.0],  # noqa: B006
    origin: Point | None = None,
    value: int | str | None = None,
    day: dt.date | None = None,
    money: Decimal = Decimal("1.5"),
    flags: set[Colour] = set(),  # noqa: B006
    table: dict[str, int] = {},  # noqa: B006
    pair: tuple[int, str] = (1, "a"),
    anything: Any = None,  # any JSON
    version: Literal[3] = 3,
) -> None:
    """Draw shapes."""


def plant(tree: Tree) -> None:
    """Plant a tree."""


def count(n: Annotated[int, Field(ge=0, lt=2**64)], also: int = 0) -> None:
    """Count."""


def decide(must: bool, may: bool | None, sure: bool = True) -> None:
    """Decide."""


def nothing() -> None:
    """Do nothing."""


def keep(secret: Annotated[str, Field(json_schema_extra={"format": "password"})]) -> None:
    """Keep a secret."""


FUNCTIONS: list[Callable[..., Any]] = [draw, plant, count, decide, nothing]
MINE = {function.__name__: build_task(function.__name__, function) for function in FUNCTIONS}
TASKS: dict[str, Task] = {
    **load_registry(RegistrySpec()),
    **{name: build_task(name, getattr(sample_tasks, name)) for name in SAMPLE_TASKS.split()},
    **MINE,
}

CIRCLE = {"kind": "circle", "centre": {"x": 1.5, "y": 2}, "radius": 1e3}
SHAPES = {"title": "Two", "shapes": [CIRCLE, {"kind": "square", "side": 0.1}]}

GIVEN: list[tuple[str, dict[str, Any]]] = [
    ("fibonacci", {"n": 1000, "algorithm": "recursive", "modulus": BEYOND}),
    ("file-digest", {"upload": "x", "algorithms": ["blake3", "md5"], "expected": {"crc32": "00c0ffee"}}),
    ("greet", {"name": "two\nlines", "times": 3}),
    ("draw", SHAPES),
    ("draw", {**SHAPES, "seed": -BEYOND, "limit": None, "mode": 2, "verbose": True, "tags": ["a", "b"], "weights": []}),
    ("draw", {**SHAPES, "origin": {"x": 0}, "value": "12", "day": "2026-11-22", "money": "0.10", "flags": ["green"]}),
    ("draw", {**SHAPES, "value": 12, "money": 0.5, "table": {"__proto__": 1, "": 2}, "pair": [7, "b"]}),
    ("draw", {**SHAPES, "anything": {"deep": [None, {"n": BEYOND}]}, "version": 3, "colour": "green"}),
    ("plant", {"name": "root", "children": [{"name": "leaf"}, {"name": "twig", "children": [{"name": "leaf"}]}]}),
    ("count", {"n": 2**64 - 1, "also": -BEYOND}),
    ("decide", {"must": False, "may": None, "sure": False}),
    ("decide", {"must": True, "may": True}),
    ("nothing", {}),
    *[(name, task.example) for name, task in TASKS.items() if task.example],
]


FIELD_ERRORS = """() => [...document.querySelectorAll(".field-error:not([hidden])")].map((error) => [
    error.parentElement.querySelector(".field-label").firstChild.textContent, error.textContent
])"""


@dataclass(frozen=True)
class Form:
    """A form without a view around it."""

    page: Page
    task: Task

    @property
    def text(self) -> str:
        """The JSON that would be sent."""
        return str(self.page.evaluate("form.text()"))

    @property
    def sent(self) -> Any:  # any JSON
        return json.loads(self.text)

    def show(self, params: object) -> None:
        self.page.evaluate("text => form.set(json.parse(text))", json.dumps(params))

    def check(self) -> bool:
        """Validates the form; returns true if there are no errors."""
        return bool(self.page.evaluate("form.check()"))

    def show_errors_of(self, params: object) -> None:
        """Shows the errors of the service's response to these parameters."""
        with pytest.raises(ValidationError) as caught:
            self.task.parse(json.dumps(params).encode())
        errors = invalid_model(caught.value, "body").errors
        self.page.evaluate(
            "errors => form.showErrors(errors.map(({ loc, msg }) => ({ loc: loc.slice(1), msg })))", list(errors or ())
        )

    def errors(self) -> list[tuple[str, str]]:
        """The label and the message of each field with an error."""
        found: list[list[str]] = self.page.evaluate(FIELD_ERRORS)
        return [(label, message) for label, message in found]

    def field(self, label: str) -> Locator:
        return self.page.get_by_label(re.compile(rf"^{label}( optional)?$"))


MakeForm = Callable[[Task | str], Form]


@pytest.fixture(scope="module")
def bare(browser: Browser, server: Server) -> Iterator[Page]:
    """One page for all tests of this file, since loading it takes longer than most tests."""
    with new_context(browser, str(server.api.http.base_url)) as context:
        page = context.new_page()
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto("/?view=batches")
        page.evaluate("""async () => {
            const here = (name) => import(new URL(name, document.querySelector('script[src$="/main.js"]').src));
            [globalThis.forms, globalThis.json, globalThis.options] =
                await Promise.all(["forms/form.js", "service/json.js", "options.js"].map(here));
        }""")
        yield page
        assert errors == []


@pytest.fixture
def form(bare: Page) -> MakeForm:
    def make(task: Task | str) -> Form:
        known = TASKS[task] if isinstance(task, str) else task
        show(bare, known.params_schema)
        return Form(bare, known)

    return make


def show(page: Page, schema: object) -> None:
    page.evaluate(
        """text => {
            globalThis.form = forms.createForm(json.parse(text));
            document.getElementById("main").replaceChildren(form.element);
        }""",
        json.dumps(schema),
    )


@pytest.mark.parametrize(("name", "params"), GIVEN, ids=lambda value: value if isinstance(value, str) else "")
def test_a_form_sends_the_value_that_it_shows(form: MakeForm, name: str, params: dict[str, Any]) -> None:
    """The value is shown in fields, and the task reads the same parameters from it."""
    shown = form(name)
    shown.show(params)
    assert not shown.page.evaluate("form.isJson()")
    assert shown.check(), shown.errors()
    assert shown.task.parse(shown.text.encode()) == shown.task.parse(json.dumps(params).encode())


@pytest.mark.parametrize(("name", "params"), GIVEN, ids=lambda value: value if isinstance(value, str) else "")
def test_a_form_switches_to_json_and_back(form: MakeForm, name: str, params: dict[str, Any]) -> None:
    shown = form(name)
    shown.show(params)
    before = shown.text
    shown.page.evaluate("form.switchMode()")
    expect(shown.field("JSON")).to_be_visible()
    assert json.loads(shown.text) == json.loads(before)
    shown.page.evaluate("form.switchMode()")
    assert shown.text == before


@pytest.mark.parametrize("name", TASKS)
def test_empty_optional_fields_are_not_sent(form: MakeForm, name: str) -> None:
    """Constants are sent always."""
    shown = form(name)
    required = set(shown.task.params_schema.get("required", ()))
    assert set(shown.sent) <= required | {"version"}
    assert shown.check() == (shown.sent.keys() >= required)


@pytest.mark.parametrize("text", [str(BEYOND), "-9007199254740993", "0"])
def test_a_number_is_not_rounded(form: MakeForm, text: str) -> None:
    shown = form("draw")
    shown.field("seed").fill(text)
    assert f'"seed": {text}' in shown.text


@pytest.mark.parametrize(
    ("task", "label", "text", "message"),
    [
        ("count", "n", "", "required"),
        ("count", "n", "many", "whole number"),
        ("count", "n", "1.5", "whole number"),
        ("count", "n", "007", "whole number"),
        ("count", "n", "-1", "at least 0"),
        ("count", "n", str(2**64), f"less than {2**64}"),
        ("draw", "scale", "1,5", "Enter a number"),
        ("draw", "scale", "0", "more than 0"),
        ("draw", "scale", "10.5", "at most 10"),
        ("draw", "title", "X", "at least 2"),
        ("draw", "title", "Xxxxxxxxx", "at most 8"),
        ("draw", "title", "lower", r"\^\[A-Z\]"),
        ("draw", "anything", "{", "JSON"),
    ],
)
def test_an_invalid_value_is_reported_at_its_field(
    form: MakeForm, task: str, label: str, text: str, message: str
) -> None:
    shown = form(task)
    field = shown.field(label)
    field.fill(text)
    assert not shown.check()
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_have_accessible_description(re.compile(message))
    field.fill(text + "1")
    expect(field).not_to_have_attribute("aria-invalid", "true")


def test_a_character_outside_the_basic_plane_counts_once(form: MakeForm) -> None:
    shown = form("draw")
    shown.field("title").fill("A" + "\N{MUSICAL SYMBOL G CLEF}" * 7)
    shown.page.get_by_role("button", name="Add to shapes").click()
    assert not any(label == "title" for label, _ in shown.errors())
    shown.check()
    assert not any(label == "title" for label, _ in shown.errors())


@pytest.mark.parametrize(
    ("name", "params", "where"),
    [
        ("greet", {"name": "Ada", "times": 11}, ["times"]),
        ("draw", {**SHAPES, "colour": "red", "money": "much"}, ["money"]),
        ("draw", {**SHAPES, "value": "x", "tags": ["a", "b", "c"]}, ["tags"]),
        ("draw", {"title": "Two", "shapes": [{**CIRCLE, "radius": 0}]}, ["radius"]),
        ("draw", {"title": "Two", "shapes": [{**CIRCLE, "radius": 0, "centre": {"x": "a"}}]}, ["x", "radius"]),
        ("draw", {**SHAPES, "table": {"a": 1, "b": "c"}}, ["value"]),
        ("plant", {"name": "root", "children": [{"name": "a"}, {"name": 1}]}, ["name"]),
    ],
)
def test_an_error_of_the_service_is_shown_at_its_field(
    form: MakeForm, name: str, params: dict[str, Any], where: list[str]
) -> None:
    """Some parts of pydantic's locations name no field, such as the type of a choice."""
    shown = form(name)
    good = {"draw": {**SHAPES, "tags": ["a"], "value": 1, "table": {"a": 1, "b": 2}}, "plant": GIVEN[8][1]}
    shown.show(good.get(name, {"name": "Ada"}))
    shown.show_errors_of(params)
    assert [label.strip() for label, _ in shown.errors()] == where


def test_errors_are_listed_and_the_first_field_has_the_focus(form: MakeForm) -> None:
    shown = form("draw")
    shown.check()
    summary = shown.page.get_by_role("alert")
    expect(summary).to_contain_text("title: This field is required.")
    expect(shown.field("title")).to_be_focused()
    shown.field("scale").focus()
    summary.get_by_role("button", name="title").click()
    expect(shown.field("title")).to_be_focused()


def test_an_error_without_a_field_is_listed(form: MakeForm) -> None:
    shown = form("file-digest")
    shown.show_errors_of({"path": "a", "upload": "b"})
    expect(shown.page.get_by_role("alert")).to_contain_text("exactly one of")
    assert shown.errors() == []


def test_an_error_in_json_names_its_location(form: MakeForm) -> None:
    shown = form("greet")
    shown.page.evaluate("form.switchMode()")
    shown.field("JSON").fill('{"name": "Ada", "times": 11}')
    assert shown.check()
    shown.show_errors_of(shown.sent)
    expect(shown.field("JSON")).to_have_accessible_description(re.compile("times: Input should be less than"))
    shown.field("JSON").fill('{"name": ')
    assert not shown.check()
    assert shown.text == '{"name": '
    assert not shown.page.evaluate("form.canSwitchMode()")


@pytest.mark.parametrize("params", [{"name": 1}, {"nome": "Ada"}, [1], None])
def test_a_value_without_matching_fields_is_shown_as_json(form: MakeForm, params: object) -> None:
    shown = form("greet")
    shown.show(params)
    assert shown.sent == params
    expect(shown.field("JSON")).to_be_visible()


def test_the_type_of_a_value_is_chosen(form: MakeForm) -> None:
    shown = form("draw")
    shown.field("title").fill("Two")
    shown.page.get_by_role("button", name="Add to shapes").click()
    kind = shown.page.get_by_role("combobox", name="Kind of item of shapes")
    expect(kind).to_be_focused()
    assert not shown.check()
    kind.select_option("Square")
    shown.field("side").fill("2")
    assert shown.sent["shapes"] == [{"kind": "square", "side": 2}]
    kind.select_option("Circle")
    shown.field("x").fill("3")
    shown.field("radius").fill("4")
    assert shown.sent["shapes"] == [{"kind": "circle", "centre": {"x": 3}, "radius": 4}]
    assert shown.check()


def test_rows_are_added_and_removed_and_the_focus_stays_near(form: MakeForm) -> None:
    shown = form("draw")
    add = shown.page.get_by_role("button", name="Add to tags")
    for text in ("a", "b", "c"):
        add.click()
        shown.page.keyboard.type(text)
    assert shown.sent["tags"] == ["a", "b", "c"]
    assert not shown.check()
    remove = shown.page.get_by_role("button", name="Remove from tags")
    remove.nth(1).click()
    assert shown.sent["tags"] == ["a", "c"]
    expect(shown.page.get_by_label("item of tags").nth(1)).to_be_focused()
    remove.nth(1).click()
    remove.nth(0).click()
    expect(add).to_be_focused()
    assert "tags" not in shown.sent


def test_a_recursive_schema_has_fields_on_request(form: MakeForm) -> None:
    shown = form("plant")
    shown.field("name").fill("root")
    shown.page.get_by_role("button", name="Add to children").click()
    shown.field("name").nth(1).fill("leaf")
    assert shown.sent == {"name": "root", "children": [{"name": "leaf"}]}


def test_pasted_line_breaks_are_kept(form: MakeForm) -> None:
    shown = form("greet")
    shown.page.evaluate("navigator.clipboard.writeText('one\\ntwo')")
    shown.field("name").focus()
    shown.page.keyboard.press("Control+V")
    assert shown.sent == {"name": "one\ntwo"}
    shown.page.keyboard.type("!")
    assert shown.sent == {"name": "one\ntwo!"}


def test_a_password_is_hidden(form: MakeForm) -> None:
    shown = form(build_task("keep", keep))
    expect(shown.field("secret")).to_have_attribute("type", "password")


def test_a_description_is_part_of_the_fields_accessible_description(form: MakeForm) -> None:
    shown = form("draw")
    expect(shown.field("title")).to_have_accessible_description("Shown above the drawing. 2 to 8 characters.")
    expect(form("fibonacci").field("n")).to_have_accessible_description(re.compile("At least 0. For example 1000."))


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object", "properties": {"x": {"$ref": "#/$defs/x"}}, "$defs": {"x": {"$ref": "#/$defs/x"}}},
        {"type": "object", "properties": {"x": {"$ref": "#/$defs/missing"}}},
        {"type": "object", "properties": {"x": {"$ref": "http://127.0.0.2:1/x.json"}}},
        {"type": "object", "properties": {"x": {"type": "array"}}},
        {"type": "object", "properties": {"x": {"allOf": [{"type": "string"}, {"minLength": 1}]}}},
        {"type": "object", "properties": {"x": {"not": {"type": "string"}}}},
        {"type": "object", "properties": {"x": True}},
        {"type": "object", "properties": {"x": {}}, "additionalProperties": True},
        {"type": "array", "items": {"type": "string"}},
        {},
    ],
)
def test_a_schema_without_matching_fields_is_edited_as_json(bare: Page, schema: dict[str, Any]) -> None:
    show(bare, schema)
    bare.get_by_role("textbox").fill('[1, {"x": null}]')
    text = bare.evaluate("form.text()")
    assert text in {'[1, {"x": null}]', '{"x": [1, {"x": null}]}'}
    assert bare.evaluate("form.check()")


def test_a_pattern_with_python_syntax_is_left_to_the_service(bare: Page) -> None:
    show(bare, {"type": "object", "properties": {"x": {"type": "string", "pattern": r"(?P<a>\A.)\Z"}}})
    bare.get_by_role("textbox").fill("anything")
    assert bare.evaluate("form.check()")


def test_a_schema_may_have_a_list_of_types(bare: Page) -> None:
    show(bare, {"type": "object", "properties": {"x": {"type": ["integer", "null"]}}})
    bare.get_by_role("textbox").fill("5")
    assert bare.evaluate("form.text()") == '{"x": 5}'


def test_texts_of_a_schema_are_not_html(bare: Page) -> None:
    evil = "<img src=x onerror=alert(1)>"
    schema = {"type": "object", "properties": {evil: {"enum": [evil], "title": evil, "description": f"`{evil}`"}}}
    show(bare, schema)
    assert bare.locator("main img").count() == 0
    bare.get_by_role("main").get_by_role("combobox").select_option(evil)
    assert json.loads(bare.evaluate("form.text()")) == {evil: evil}


def test_json_numbers_are_not_rounded(bare: Page) -> None:
    text = f'{{"a": [{BEYOND}, 1.0, 1e400, -0, 0.1], "__proto__": {{"b": "\\ud800"}}}}'
    assert bare.evaluate("text => json.write(json.parse(text))", text) == text


def test_the_options_are_the_declared_ones(bare: Page) -> None:
    """With the bounds of the service, so that the form shows what is wrong before anything is sent."""
    schema = bare.evaluate("options.optionsSchema('fibonacci', {timeout_s: 300, max_attempts: 2})")
    assert list(schema["properties"]) == [option.query for option in OPTIONS.values()]
    assert schema["properties"]["timeout_s"] == schema["properties"]["timeout_s"] | {
        "type": "number",
        "exclusiveMinimum": 0,
        "maximum": 3600,
        "default": 300,
    }


def test_the_options_of_a_job_are_those_it_was_submitted_with(bare: Page) -> None:
    """As far as the job shows them: under the same name, or for a repeatable option under its plural."""
    found = bare.evaluate(
        """async () => {
            const schema = await options.optionsSchema("fibonacci");
            const job = {priority: 5, timeout_s: 3, max_attempts: null, labels: ["a", "b"], owner: "me"};
            return options.toQuery(options.optionsOf(job, schema)).toString();
        }"""
    )
    assert found == "priority=5&timeout_s=3&label=a&label=b"
