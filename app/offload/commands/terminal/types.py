"""Describes the type of a parameter in a few words, from its JSON Schema."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

Schema = Mapping[str, Any]  # JSON Schema

MOST_MEMBERS = 6
"""How many members of an object are shown."""

_DEEPEST = 6
"""How many models and containers may be around an object or list of which more than the name is shown."""


def type_text(wanted: Schema | bool, root: Schema, inside: tuple[str, ...] = ()) -> str:
    """Returns a type such as `integer`, `list[string]`, `red | blue` or `{x: integer, y?: integer}`.

    `root` has the definitions, and `inside` are the names of those that the type is part of.
    """
    name = ""
    while isinstance(wanted, Mapping) and isinstance(wanted.get("$ref"), str):
        name = str(wanted["$ref"]).rpartition("/")[2]
        if name in inside:
            return name
        inside = (*inside, name)
        wanted = root.get("$defs", {}).get(name, {})
    choices = () if isinstance(wanted, bool) else _choices(wanted, root, inside, name)
    return " | ".join(dict.fromkeys(choices)) or "any"


def _choices(wanted: Schema, root: Schema, inside: tuple[str, ...], name: str) -> Iterator[str]:
    if "const" in wanted or "enum" in wanted:
        yield from map(_value, wanted.get("enum", [wanted.get("const")]))
        return
    named = wanted.get("type", ())
    for kind in (named,) if isinstance(named, str) else named:
        if kind in {"array", "object"} and len(inside) > _DEEPEST:
            yield name or kind
        elif kind == "array":
            yield _array(wanted, root, (*inside, ""))
        elif kind == "object":
            yield _object(wanted, root, (*inside, ""))
        else:
            yield f"{kind} ({wanted['format']})" if "format" in wanted else str(kind)
    if not named:
        for choice in (*wanted.get("anyOf", ()), *wanted.get("oneOf", ()), *wanted.get("allOf", ())):
            yield type_text(choice, root, inside)


def _value(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _array(wanted: Schema, root: Schema, inside: tuple[str, ...]) -> str:
    if "prefixItems" in wanted:
        return f"[{', '.join(type_text(item, root, inside) for item in wanted['prefixItems'])}]"
    return f"list[{type_text(wanted.get('items', True), root, inside)}]"


def _object(wanted: Schema, root: Schema, inside: tuple[str, ...]) -> str:
    members, required = wanted.get("properties", {}), wanted.get("required", ())
    if members:
        shown = [
            f"{name}{'' if name in required else '?'}: {type_text(member, root, inside)}"
            for name, member in list(members.items())[:MOST_MEMBERS]
        ]
        return f"{{{', '.join([*shown, '…'] if len(members) > MOST_MEMBERS else shown)}}}"
    others = wanted.get("additionalProperties", True)
    return "object" if isinstance(others, bool) else f"object[{type_text(others, root, inside)}]"
