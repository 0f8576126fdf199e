"""A registered task: parameters in, result out, both as the JSON bytes that travel and are stored."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel

from offload.tasks.context import Context, Places
from offload.tasks.declaration import Limits, Price
from offload.tasks.result import ResultType
from offload.tasks.signature import Signature
from offload.tasks.strict_json import refuse_ambiguous


@dataclass(frozen=True, slots=True, kw_only=True)
class Examined:
    """What was found out about parameters before their job is accepted."""

    upload: str | None = None
    """The id of the upload that the job reads, if it reads one."""
    cost: float = 0.0
    """About how many CPU seconds, besides what `Task.cost` says."""


Examiner = Callable[[Any, Places], Examined]  # Any: the task's own model
"""Looks up what the parameters name, and may block.

Raises what it finds wrong, such as `offload.errors.FileNotFoundProblemError`.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A registered function with the model of its parameters and the type of its result."""

    name: str
    summary: str
    description: str
    limits: Limits
    signature: Signature
    params_schema: dict[str, Any]
    """The JSON Schema of the parameters; not to be changed."""
    result: ResultType
    function: Callable[..., Any]
    price_of: Price | None = None
    examine: Examiner | None = None
    example: dict[str, Any] = field(default_factory=dict)
    """Parameters that `parse` takes, for a form; empty where none could be made up."""

    @property
    def params(self) -> type[BaseModel]:
        return self.signature.params

    def parse(self, body: bytes) -> BaseModel:
        """Reads parameters strictly: no number from text, no integer from 1.0 or true, no name unknown or given twice.

        Raises `pydantic.ValidationError`.
        """
        params = self.params.model_validate_json(body, strict=True)
        refuse_ambiguous(body, self.params.__name__)
        return params

    def dump(self, params: BaseModel) -> bytes:
        """The parameters as compact JSON that `parse` reads back to the same: what was given, without the defaults."""
        return params.model_dump_json(by_alias=True, exclude_unset=True, round_trip=True).encode()

    def cost(self, params: BaseModel) -> float:
        """About how many CPU seconds; 0.0 where nobody knows. Raises `errors.TooExpensiveError`."""
        return float(self.price_of(**self.signature.values(params))) if self.price_of else 0.0

    def run(self, params: bytes, context: Context) -> bytes:
        """One attempt: what was stored in, the result's JSON out.

        Raises whatever the function raises, `faults.ResultNotSerializableError`, and `pydantic.ValidationError` where
        the function's parameters are no longer those that the job was accepted with.
        """
        returned = self.signature.call(self.function, self.parse(params), context)
        if inspect.iscoroutine(returned):
            import asyncio  # noqa: PLC0415  # 30 ms that only a lane with an async task pays

            returned = asyncio.run(returned)
        return self.result.write(returned)
