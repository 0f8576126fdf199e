"""Generates an example of a task's parameters, for the form in Swagger UI."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pydantic import BaseModel

_TEXTS = {
    "date": "2026-11-22",
    "date-time": "2026-11-22T09:00:00Z",
    "time": "09:00:00Z",
    "duration": "PT1M",
    "uuid": "123e4567-e89b-12d3-a456-426614174000",
    "uri": "https://example.org/",
    "email": "someone@example.org",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
}


def example_of(schema: Mapping[str, Any], parse: Callable[[bytes], BaseModel]) -> dict[str, Any]:
    """Return an example that `parse` accepts: the schema's own, or one from its members' examples, defaults and bounds.

    It is empty when none can be generated, as for text that must match a pattern and has no example.
    """
    try:
        example = _Filler(schema.get("$defs", {})).fill(schema)
        parse(json.dumps(example).encode())
    except Exception:  # a schema may contain anything, and the service must start without the example, too
        return {}
    return example if isinstance(example, dict) else {}


class _Filler:
    """Generates the smallest value that a JSON Schema allows. The caller checks the value by parsing it."""

    def __init__(self, definitions: Mapping[str, Any]) -> None:
        self._definitions = definitions
        self._inside: list[str] = []

    def fill(self, schema: Mapping[str, Any]) -> Any:
        if examples := schema.get("examples"):
            return examples[0]
        for key in ("default", "const"):
            if key in schema:
                return schema[key]
        if "enum" in schema:
            return schema["enum"][0]
        if "$ref" in schema:
            return self._fill_definition(schema["$ref"].removeprefix("#/$defs/"))
        for key in ("anyOf", "oneOf", "allOf"):
            if key in schema and "properties" not in schema:
                return self._fill_first(schema[key])
        return self._fill_type(schema)

    def _fill_definition(self, name: str) -> Any:
        if name in self._inside:  # a recursive type: the caller either does without this member or has no example
            return None
        self._inside.append(name)
        try:
            return self.fill(self._definitions.get(name, {}))
        finally:
            self._inside.pop()

    def _fill_first(self, choices: Sequence[Mapping[str, Any]]) -> Any:
        return next((value for choice in choices if (value := self.fill(choice)) is not None), None)

    def _fill_type(self, schema: Mapping[str, Any]) -> Any:
        match schema.get("type"):
            case "object":
                return self._fill_object(schema)
            case "array":
                first = [self.fill(item) for item in schema.get("prefixItems", ())]
                rest = schema.get("minItems", 0) - len(first)
                return first + [self.fill(schema.get("items", {}))] * rest
            case "string":
                return _TEXTS.get(schema.get("format", ""), "text").ljust(schema.get("minLength", 0), "-")[
                    : schema.get("maxLength")
                ]
            case "integer" | "number":
                return _number(schema)
            case "boolean":
                return False
            case None:  # any type; FastAPI leaves null out of the OpenAPI document
                return "text"
            case _:
                return None

    def _fill_object(self, schema: Mapping[str, Any]) -> dict[str, Any]:
        required = schema.get("required", ())
        members = schema.get("properties", {})
        return {
            name: self.fill(member)
            for name, member in members.items()
            if name in required or "examples" in member or member.get("default") is not None
        }


def _number(schema: Mapping[str, float]) -> float:
    step = schema.get("multipleOf", 1)
    if "minimum" in schema:
        return -(-schema["minimum"] // step) * step
    if "exclusiveMinimum" in schema:
        return (schema["exclusiveMinimum"] // step + 1) * step
    highest = schema.get("maximum", schema.get("exclusiveMaximum", step + 1) - step)
    return min(step, highest // step * step)
