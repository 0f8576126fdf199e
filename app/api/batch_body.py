"""Reads the body of `POST /batches`: many members, one at a time, so that no body stops the event loop.

Parsed as a whole, ten thousand members would hold it for a quarter of a second. Here JSON's own decoder is led from
value to value, and each member's parameters go to its task as the text that was sent: read exactly as by
`POST /jobs/{task}`.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any

from pydantic import Field, TypeAdapter, ValidationError

from app.api.batch_options import MOST_LABELS, MemberOptions
from app.api.invalid import invalid, invalid_model
from app.api.queries import Label
from app.api.submit import task_not_found
from app.errors import BodyTooLargeError, InvalidParametersError
from app.jobs.admission import Submission
from app.jobs.batches import MOST_MEMBERS
from app.tasks.registry import Registry
from app.tasks.strict_json import DECODER

AT_ONCE = 50
"""Members read before others have their turn: about a millisecond."""

CHARACTERS_AT_ONCE = 64 * 1024
"""The same for long ones."""

_BLANK = re.compile(r"[ \t\n\r]*")

_BRACKET = re.compile(r'[\[\]{}]|"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
"""A bracket, or text that may have some in it. Text without an end is matched too: else it would be tried again from
each quote in it, in time that grows with its square."""

_LABELS = TypeAdapter(Annotated[list[Label], Field(max_length=MOST_LABELS)])


_NO_OPTIONS = MemberOptions()

MEMBER_NAMES = ("task", "params", *MemberOptions.model_fields)


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchBody:
    """What was sent."""

    members: Sequence[Submission]
    labels: Sequence[str]


@dataclass(slots=True)
class _Text:
    """A place in JSON text. Each step raises ValueError or RecursionError where the text is not what it needs."""

    text: str
    at: int = 0

    def begin(self, bracket: str, msg: str, *where: str | int) -> None:
        """Looks whether an object or array is next. Raises `InvalidParametersError` where it is not."""
        self._blanks()
        if not self.text.startswith(bracket, self.at):
            raise _wrong(msg, *where)

    def at_end(self) -> bool:
        """Steps over blanks; tells whether nothing else is left."""
        self._blanks()
        return self.at == len(self.text)

    def accept(self, character: str) -> bool:
        """Steps over blanks, and over the character if it is next; tells whether it is."""
        self._blanks()
        found = self.text.startswith(character, self.at)
        self.at += found
        return found

    def expect(self, character: str) -> None:
        """Steps over blanks and the character."""
        if not self.accept(character):
            raise ValueError(f"Invalid JSON: {character!r} is missing at character {self.at}")

    def value(self) -> Any:  # whatever JSON has
        """Steps over a value."""
        self._blanks()
        value, self.at = DECODER.raw_decode(self.text, self.at)
        return value

    def raw(self) -> str:
        """Steps over a value; answers its text."""
        self._blanks()
        begin = self.at
        self.value()
        return self.text[begin : self.at]

    def _blanks(self) -> None:
        self.at = _BLANK.match(self.text, self.at).end()  # type: ignore[union-attr]  # matches anything

    def ends_within(self, most: int) -> bool:
        """Whether the array or object that is next has at most so many characters, as far as brackets tell."""
        depth = 0
        for token in _BRACKET.finditer(self.text, self.at, self.at + most):
            depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(token[0], 0)
            if depth <= 0:
                return True
        return len(self.text) - self.at <= most

    def names(self) -> Iterator[str]:
        """The names of an object. The value of each is to be stepped over before the next is asked for."""
        self.expect("{")
        found: set[str] = set()
        while not self.accept("}"):
            if found:
                self.expect(",")
            if not self.accept('"'):
                raise ValueError(f"Invalid JSON: a name is missing at character {self.at}")
            self.at -= 1
            name = self.value()
            if name in found:
                raise ValueError(f"Each name may be given once; {name[:100]!r} is given twice")
            found.add(name)
            self.expect(":")
            yield name

    def items(self) -> Iterator[int]:
        """The places of an array's items. Each item is to be stepped over before the next is asked for."""
        self.expect("[")
        place = 0
        while not self.accept("]"):
            if place:
                self.expect(",")
            yield place
            place += 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a body is read by."""

    registry: Registry
    owner: str | None
    most: int
    """Characters that one member may have, or the list of labels."""


async def read_batch(body: bytes, reading: Reading) -> BatchBody:
    """The members, each with the labels of the batch besides its own.

    Raises `InvalidParametersError`, and `BodyTooLargeError` for a member that is too large.
    """
    try:
        return await _read(_Text(body.decode()), reading)
    except RecursionError:
        raise _wrong("The JSON is nested too deeply") from None
    except ValueError as error:
        raise _wrong(str(error)) from None


async def _read(text: _Text, reading: Reading) -> BatchBody:
    text.begin("{", 'Input should be an object, such as {"jobs": [{"task": "fibonacci", "params": {"n": 30}}]}')
    labels: list[str] = []
    members: list[Submission] | None = None
    for name in text.names():
        if name == "jobs":
            members = [member async for member in _members(text, reading)]
        elif name == "labels":
            text.begin("[", "Input should be a list", "labels")
            _bound(text, reading, "labels")
            labels = _labels(text.value())
        else:
            raise invalid([{"loc": ("body", name), "type": "extra_forbidden"}], known=("jobs", "labels"))
    if not text.at_end():
        raise _wrong("Invalid JSON: there is something after the end of the object")
    if not members:
        raise _wrong("Field required" if members is None else "There must be at least one job", "jobs")
    return BatchBody(members=await _labelled(members, labels) if labels else members, labels=labels)


async def _members(text: _Text, reading: Reading) -> AsyncIterator[Submission]:
    text.begin("[", "Input should be a list", "jobs")
    rested = text.at
    for place in text.items():
        if place == MOST_MEMBERS:
            raise _wrong(f"A batch has at most {MOST_MEMBERS} jobs", "jobs")
        if place % AT_ONCE == 0 or text.at - rested > CHARACTERS_AT_ONCE:
            rested = text.at
            await asyncio.sleep(0)
        yield _member(text, reading, place)


def _bound(text: _Text, reading: Reading, where: str) -> None:
    if not text.ends_within(reading.most):
        raise BodyTooLargeError(f"{where}: This may have at most {reading.most} characters. Nothing was accepted.")


def _member(text: _Text, reading: Reading, place: int) -> Submission:
    where, registry = ("jobs", place), reading.registry
    text.begin("{", "Input should be an object", *where)
    _bound(text, reading, f"jobs.{place}")
    said: dict[str, Any] = {}
    params: str | None = None
    for name in text.names():
        if name == "params":
            params = text.raw()
        else:
            said[name] = text.value()
    task = registry.get(name) if isinstance(name := said.pop("task", None), str) else None
    if task is None:
        missing = "Field required" if name is None else task_not_found(registry, str(name)).detail
        raise _wrong(missing, *where, "task")
    if params is None:
        raise _wrong("Field required", *where, "params")
    try:
        options = MemberOptions.model_validate(said) if said else _NO_OPTIONS
    except ValidationError as error:
        raise invalid_model(error, "body", *where, known=MEMBER_NAMES) from None
    try:
        read = task.parse(params.encode())
    except ValidationError as error:
        known = [field.alias or name for name, field in task.params.model_fields.items()]
        raise invalid_model(error, "body", *where, "params", known=known) from None
    return Submission(task=task, params=read, options=options.options(), owner=reading.owner)


def _labels(value: object) -> list[str]:
    try:
        return _LABELS.validate_python(value, strict=True)
    except ValidationError as error:
        raise invalid_model(error, "body", "labels") from None


async def _labelled(members: Sequence[Submission], labels: Sequence[str]) -> Sequence[Submission]:
    """The members, each with these labels too."""
    labelled = []
    for place, member in enumerate(members):
        if place % AT_ONCE == 0:
            await asyncio.sleep(0)
        together = tuple(dict.fromkeys([*labels, *member.options.labels]))
        if len(together) > MOST_LABELS:
            msg = f"With those of the batch, there are {len(together)} labels; at most {MOST_LABELS} are allowed"
            raise _wrong(msg, "jobs", place, "labels")
        labelled.append(replace(member, options=replace(member.options, labels=together)))
    return labelled


def _wrong(msg: str, *where: str | int) -> InvalidParametersError:
    return invalid([{"loc": ("body", *where), "msg": msg, "type": "value_error"}])
