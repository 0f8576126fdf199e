"""Reads the body of `POST /batches` member by member, so that a large body does not block the event loop.

Parsed as a whole, ten thousand members would block it for a quarter of a second. Here the JSON decoder reads one value
after the other. The parameters of a member go to its task as the text that was sent, as in `POST /jobs/{task}`.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any

from pydantic import Field, TypeAdapter, ValidationError

from offload.api.contract.validation import invalid, invalid_model
from offload.api.jobs.options import MemberOptions, with_labels
from offload.api.jobs.submit import task_not_found
from offload.api.transport.incremental_json import JsonText
from offload.errors import BodyTooLargeError, InvalidParametersError
from offload.jobs.acceptance.batches import MOST_MEMBERS
from offload.jobs.acceptance.submission import Submission
from offload.options import MAX_LABELS, Label, SubmitOptions
from offload.tasks.registry import Registry
from offload.tasks.strict_json import NotFiniteError

AT_ONCE = 50
"""Members that are read before other requests are processed again: about a millisecond."""

CHARACTERS_AT_ONCE = 64 * 1024
"""The same limit for large members."""

_LABELS = TypeAdapter(Annotated[list[Label], Field(max_length=MAX_LABELS)])

MEMBER_NAMES = ("task", "params", *MemberOptions.model_fields)


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchBody:
    """The members and labels of a batch."""

    members: Sequence[Submission]
    labels: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadContext:
    """What the body is read with."""

    registry: Registry
    owner: str | None
    most: int
    """The maximum number of characters of a member, and of the list of labels."""


async def read_batch(body: bytes, context: ReadContext) -> BatchBody:
    """Returns the members, each with the labels of the batch and its own.

    Raises `InvalidParametersError`, and `BodyTooLargeError` for a member that is too large.
    """
    try:
        return await _read(JsonText(body.decode()), context)
    except RecursionError:
        raise _wrong("The JSON is nested too deeply") from None
    except ValueError as error:
        raise _wrong(str(error)) from None


async def _read(text: JsonText, context: ReadContext) -> BatchBody:
    _expect(text, "{", 'Input should be an object, such as {"jobs": [{"task": "fibonacci", "params": {"n": 30}}]}')
    labels: list[str] = []
    members: list[Submission] | None = None
    for name in text.names():
        if name == "jobs":
            members = [member async for member in _members(text, context)]
        elif name == "labels":
            _expect(text, "[", "Input should be a list", "labels")
            _bound(text, context, "labels")
            labels = _labels(text.value())
        else:
            raise invalid([{"loc": ("body", name), "type": "extra_forbidden"}], known=("jobs", "labels"))
    if not text.at_end():
        raise _wrong("Invalid JSON: there is text after the end of the object")
    if not members:
        raise _wrong("Field required" if members is None else "There must be at least one job", "jobs")
    return BatchBody(members=await _labelled(members, labels) if labels else members, labels=labels)


async def _members(text: JsonText, context: ReadContext) -> AsyncIterator[Submission]:
    _expect(text, "[", "Input should be a list", "jobs")
    yielded_at = text.at
    for place in text.items():
        if place == MOST_MEMBERS:
            raise _wrong(f"A batch has at most {MOST_MEMBERS} jobs", "jobs")
        if place % AT_ONCE == 0 or text.at - yielded_at > CHARACTERS_AT_ONCE:
            yielded_at = text.at
            await asyncio.sleep(0)
        yield _member(text, context, place)


def _expect(text: JsonText, bracket: str, msg: str, *where: str | int) -> None:
    if not text.begins_with(bracket):
        raise _wrong(msg, *where)


def _bound(text: JsonText, context: ReadContext, where: str) -> None:
    if not text.ends_within(context.most):
        raise BodyTooLargeError(f"{where}: The limit is {context.most} characters. Nothing was accepted.")


def _member(text: JsonText, context: ReadContext, place: int) -> Submission:
    where, registry = ("jobs", place), context.registry
    _expect(text, "{", "Input should be an object", *where)
    _bound(text, context, f"jobs.{place}")
    values: dict[str, Any] = {}
    params: str | None = None
    for name in text.names():
        try:
            if name == "params":
                params = text.raw()
            else:
                values[name] = text.value()
        except NotFiniteError as error:
            raise _wrong(str(error), *where, name) from None
    task = registry.get(name) if isinstance(name := values.pop("task", None), str) else None
    if task is None:
        missing = "Field required" if name is None else task_not_found(registry, str(name)).detail
        raise _wrong(missing, *where, "task")
    if params is None:
        raise _wrong("Field required", *where, "params")
    try:
        options = MemberOptions.model_validate(values).options() if values else SubmitOptions()
    except ValidationError as error:
        raise invalid_model(error, "body", *where, known=MEMBER_NAMES) from None
    try:
        read = task.read(params.encode())
    except ValidationError as error:
        known = [field.alias or name for name, field in task.params.model_fields.items()]
        raise invalid_model(error, "body", *where, "params", known=known) from None
    return Submission(task=task, params=read.text, values=read.values, options=options, owner=context.owner)


def _labels(value: object) -> list[str]:
    try:
        return _LABELS.validate_python(value, strict=True)
    except ValidationError as error:
        raise invalid_model(error, "body", "labels") from None


async def _labelled(members: Sequence[Submission], labels: Sequence[str]) -> Sequence[Submission]:
    """Returns the members, each with these labels and its own."""
    labelled = []
    for place, member in enumerate(members):
        if place % AT_ONCE == 0:
            await asyncio.sleep(0)
        options = with_labels(member.options, labels, "jobs", place, "labels")
        labelled.append(replace(member, options=options))
    return labelled


def _wrong(msg: str, *where: str | int) -> InvalidParametersError:
    return invalid([{"loc": ("body", *where), "msg": msg, "type": "value_error"}])
