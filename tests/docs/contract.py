"""Makes docs/http.md from the OpenAPI document. `python -m tests.docs.contract` writes it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from offload.api.contract.openapi import describe
from offload.server.application import create_app
from offload.server.settings import Settings
from offload.tasks.registry import RegistrySpec, load_registry

PAGE = Path(__file__).parents[2] / "docs/http.md"

HEAD = """# The HTTP contract

After this page you know every call, what it takes and what it answers. It is made of `/openapi.json` by `make docs`;
the service itself shows the same at `/docs`, with a form for each call and for your own tasks.

- Bodies and answers are JSON unless it is said otherwise. Times are RFC 3339, UTC. Ids are opaque text.
- Each answer from 400 on is a problem (RFC 9457, `application/problem+json`) with `type`, `title`, `status`, `detail`
  and `instance`, a 422 also with `errors`. Its `type` is the path of a page that explains it.
- Where the service has keys, each call but health, documentation and the page needs one: `Authorization: Bearer KEY` or
  `X-API-Key: KEY`. Without is 401.
- HEAD works wherever GET does. What a call does not know, a parameter or a member, is refused with 422.
"""

TITLES = {
    "submit": "Submit a job",
    "jobs": "Jobs",
    "batches": "Batches",
    "uploads": "Uploads",
    "tasks": "Tasks",
    "service": "The service",
}

METHODS = ("get", "post", "put", "delete")

Schema = dict[str, Any]


def page() -> str:
    """The whole page, for the tasks that are built in and the usual settings."""
    settings, registry = (
        Settings(data_dir=Path("data"), files_dir=Path("files"), lanes=2),
        load_registry(RegistrySpec()),
    )
    document = describe(create_app(settings), settings, registry)
    return "\n".join([HEAD, *_index(document), *_sections(document), *_schemas(document)]).rstrip() + "\n"


def _operations(document: Schema) -> Iterator[tuple[str, str, Schema]]:
    for tag in TITLES:
        for path, operations in document["paths"].items():
            for method in METHODS:
                if tag in operations.get(method, {}).get("tags", ()):
                    yield method.upper(), path, operations[method]


def _index(document: Schema) -> Iterator[str]:
    yield "| call | what it does |"
    yield "| --- | --- |"
    for method, path, operation in _operations(document):
        yield f"| [`{method} {path}`](#{_anchor(f'{method} {path}')}) | {operation['summary'].rstrip('.')} |"
    yield ""


def _sections(document: Schema) -> Iterator[str]:
    tag = ""
    for method, path, operation in _operations(document):
        if operation["tags"][0] != tag:
            tag = operation["tags"][0]
            yield f"## {TITLES[tag]}\n"
        yield f"### `{method} {path}`\n"
        yield f"{operation['summary'].rstrip('.')}. {_text(operation.get('description', ''))}".rstrip() + "\n"
        yield from _parameters(operation)
        yield from _body(operation)
        yield from _answers(operation)


def _parameters(operation: Schema) -> Iterator[str]:
    told = [each for each in operation.get("parameters", ()) if each["in"] != "path"]
    if not told:
        return
    yield "| parameter | in | is | |"
    yield "| --- | --- | --- | --- |"
    for each in told:
        schema = each["schema"]
        yield f"| `{each['name']}` | {each['in']} | {_kind(schema)} | {_cell(each.get('description', ''))} |"
    yield ""


def _body(operation: Schema) -> Iterator[str]:
    for media_type, content in operation.get("requestBody", {}).get("content", {}).items():
        yield f"Body, `{media_type}`: {_kind(content['schema'])}.\n"
        for example in content.get("examples", {}).values():
            yield f"```json\n{json.dumps(example['value'])}\n```\n"


def _answers(operation: Schema) -> Iterator[str]:
    yield "| status | answer |"
    yield "| --- | --- |"
    for status, response in sorted(operation["responses"].items()):
        if status == "500":
            continue
        yield f"| {status} | {_answer(response)} |"
    yield ""


def _answer(response: Schema) -> str:
    content = response.get("content", {})
    if problem := content.get("application/problem+json"):
        return ", ".join(f"`{name}`" for name in problem["examples"])
    kinds = [
        _kind(each["schema"]) if name == "application/json" and "$ref" in each.get("schema", {}) else f"`{name}`"
        for name, each in content.items()
    ]
    headers = [f"`{name}`" for name in response.get("headers", {})]
    told = [_cell(response["description"]).rstrip("."), *([" or ".join(kinds)] if kinds else [])]
    return ": ".join(told) + (f". With {', '.join(headers)}" if headers else "")


def _schemas(document: Schema) -> Iterator[str]:
    yield "## What is sent and answered\n"
    for name, schema in sorted(document["components"]["schemas"].items()):
        yield f"### {name}\n"
        if text := _text(schema.get("description", "")):
            yield f"{text}\n"
        if "properties" not in schema:
            yield f"{_kind(schema)}\n"
            continue
        yield "| member | is | |"
        yield "| --- | --- | --- |"
        for member, each in schema["properties"].items():
            needed = "" if member not in schema.get("required", ()) or _is_answer(name) else ", required"
            yield f"| `{member}` | {_kind(each)}{needed} | {_cell(each.get('description', ''))} |"
        yield ""


def _is_answer(name: str) -> bool:
    return name.endswith("View") or name in {"Problem", "ErrorAt", "Stats", "Lane", "Queue", "Waiting", "TaskStats"}


def _kind(schema: Schema) -> str:
    """What a value may be, in words."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{_anchor(name)})"
    for choice in ("anyOf", "oneOf"):
        if choice in schema:
            return " or ".join(dict.fromkeys(_kind(each) for each in schema[choice]))
    if "const" in schema or "enum" in schema:
        return " or ".join(f"`{value}`" for value in schema.get("enum") or [json.dumps(schema["const"])])
    match schema.get("type"):
        case "array":
            return f"list of {_kind(schema.get('items', {}))}"
        case "object":
            more = schema.get("additionalProperties")
            return f"object of {_kind(more)}" if isinstance(more, dict) and more else "object"
        case "string":
            return str(schema.get("format", "text")).replace("date-time", "time")
        case name:
            return _ranged(_WORDS.get(str(name), "any JSON"), schema)


_WORDS = {"integer": "whole number", "number": "number", "boolean": "true or false", "null": "null"}


def _ranged(name: str, schema: Schema) -> str:
    bounds = [
        f"{sign} {schema[key]:g}"
        for key, sign in (("minimum", "≥"), ("exclusiveMinimum", ">"), ("maximum", "≤"), ("exclusiveMaximum", "<"))
        if key in schema
    ]
    default = [f"default {schema['default']}"] if schema.get("default") is not None else []
    return ", ".join([" ".join([name, *bounds]), *default])


def _text(text: str) -> str:
    return text.strip()


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _anchor(heading: str) -> str:
    kept = "".join(each for each in heading.lower() if each.isalnum() or each in " -_")
    return kept.replace(" ", "-")


if __name__ == "__main__":
    PAGE.write_text(page())
