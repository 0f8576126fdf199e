"""What is in a result: plain values of numpy's types, names that are written alike, and the place of a wrong value."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import fields, is_dataclass
from math import isfinite
from typing import Any

from pydantic import BaseModel

MOST_ELEMENTS = 100_000
"""Larger arrays are not converted: as a list, each element takes up to ten times the memory."""

_PLAIN_KINDS = frozenset("biufU")
"""The kinds of numpy's dtypes that JSON can represent: booleans, integers, floats, text."""

_TIMES = frozenset("mM")

_SCALARS = frozenset({str, int, float, bool, type(None)})

_DEEPEST = 100


def plain(value: Any) -> object:  # Any: a type that pydantic does not know
    """Return the plain value of a scalar or small array of numpy, or of a library with the same interface.

    Raise TypeError, which says what to return instead.
    """
    kind = getattr(getattr(value, "dtype", None), "kind", None)
    if kind in _PLAIN_KINDS and hasattr(value, "tolist"):
        size = getattr(value, "size", 1)
        if size > MOST_ELEMENTS:
            raise TypeError(f"an array of {size} elements; up to {MOST_ELEMENTS} are converted, so return x.tolist()")
        converted: object = value.tolist()
        if type(converted) is not type(value):  # numpy's longdouble stays what it is
            return converted
    found = (text for needed, text in _INSTEAD if all(hasattr(type(value), name) for name in needed))
    instead = "; return str(x)" if kind in _TIMES else next(found, "")
    raise TypeError(f"pydantic can't write {type_name(value)}{instead}")


_INSTEAD = (
    (("isoformat",), "; return x.isoformat()"),
    (("tolist", "__len__"), "; return x.tolist()"),
    (("__index__",), "; return int(x)"),
    (("__float__",), "; return float(x)"),
    (("tolist",), "; return str(x)"),
    (("to_dict",), "; return x.to_dict()"),
)
"""What to return instead of a value whose type has these attributes."""


def type_name(value: object) -> str:
    """Return the name of a value's type, with its module."""
    kind = type(value)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def not_finite(value: object) -> bool:
    """Return True if a value is or has a float that is not finite."""
    if isinstance(value, float):
        return not isfinite(value)
    return type(value) not in _SCALARS and any(not_finite(member) for _, member in _members(value))


def check_values(value: object) -> bool:
    """Return True if names in the JSON may be alike, as of the keys 1 and "1".

    Raise TypeError for bytes: pydantic writes bytes that are UTF-8 as text, so success would depend on the data. A
    model chooses how its own are written. Raise ValueError for NaN and infinity in a model, which may become null.
    """
    alike, todo, models = False, [value], list[object]()
    while todo:
        item = todo.pop()
        if type(item) in _SCALARS:
            continue
        if isinstance(item, bytes | bytearray | memoryview):
            raise TypeError(f"there are {type(item).__name__} in it")
        if isinstance(item, dict):
            alike = alike or _has_other_keys(item)
        if not _unpack(item, todo):
            models.append(item)
    return _check_models(models) or alike if models else alike


def _check_models(todo: list[object]) -> bool:
    alike = False
    while todo:
        item = todo.pop()
        if isinstance(item, float):
            if not isfinite(item):
                raise ValueError("Out of range float values are not JSON compliant")
        elif type(item) not in _SCALARS and not _unpack(item, todo):
            if isinstance(item, BaseModel):
                todo.extend(vars(item).values())
                todo.extend((item.model_extra or {}).values())
            elif is_dataclass(item):
                todo.extend(member for _, member in _members(item))
        elif isinstance(item, dict):
            alike = alike or _has_other_keys(item)
    return alike


def _unpack(item: object, todo: list[object]) -> bool:
    """Add what a container consists of. Return False for anything else."""
    if isinstance(item, dict):
        todo.extend(item)
        todo.extend(item.values())
    elif isinstance(item, list | tuple | set | frozenset):
        todo.extend(item)
    else:
        return False
    return True


def _has_other_keys(item: dict[object, object]) -> bool:
    return not all(type(key) is str for key in item)


def reject_alike(pairs: list[tuple[str, object]]) -> None:
    """Raise ValueError if two members of a JSON object have one name. For the `object_pairs_hook` of a decoder."""
    if len({name for name, _ in pairs}) < len(pairs):
        name, _ = Counter(name for name, _ in pairs).most_common(1)[0]
        raise ValueError(f'two keys of a dict are both written as "{name[:100]}"')


def place(value: object, fails: Callable[[object], bool]) -> tuple[str, object]:
    """Return the path and the value of the innermost part of a result that fails: `result.rows[3].score`."""
    path, seen = "result", {id(value)}
    for _ in range(_DEEPEST):
        found = next(((name, member) for name, member in _members(value) if fails(member)), None)
        if found is None:
            break
        name, value = found
        path += name
        if id(value) in seen:  # a circular reference
            break
        seen.add(id(value))
    return path, value


def _members(value: Any) -> Iterable[tuple[str, object]]:  # Any: a result may be of any type
    """Yield the parts of a value, with what leads to each of them in Python or JSON."""
    if isinstance(value, dict):
        yield from ((_of_key(key), member) for key, member in value.items())
    elif isinstance(value, BaseModel):
        yield from ((f".{name}", member) for name, member in value)
    elif is_dataclass(value):
        yield from ((f".{field.name}", getattr(value, field.name, None)) for field in fields(value))
    elif isinstance(value, list | tuple | set | frozenset):
        yield from _numbered(value)


def _numbered(value: Iterable[object]) -> Iterator[tuple[str, object]]:
    names = getattr(value, "_fields", None)  # of a named tuple
    for number, member in enumerate(value):
        yield (f"[{number}]" if names is None else f".{names[number]}"), member


def _of_key(key: object) -> str:
    return f".{key}" if isinstance(key, str) and key.isidentifier() else f"[{str(key)[:100]!r}]"
