"""A registered task. Its parameters and its result are JSON, as the bytes that are stored and sent."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from math import isnan
from typing import Any

from pydantic import BaseModel

from offload.errors import InvalidParametersError, ProblemError
from offload.tasks.context import Context, Places
from offload.tasks.decorator import CostFunction, Limits
from offload.tasks.result import ResultType
from offload.tasks.signature import Signature
from offload.tasks.strict_json import compact
from offload.tasks.validation import describe, validate


@dataclass(frozen=True, slots=True, kw_only=True)
class Examined:
    """What `Task.examine` found out about the parameters, before their job is accepted."""

    upload: str | None = None
    """The id of the upload that the job reads, or None."""
    cost: float = 0.0
    """The estimated CPU seconds, in addition to `Task.cost`."""


Examiner = Callable[[Any, Places], Examined]  # Any: the task's own model
"""Looks up the files that the parameters name. It may block.

It raises an error of `offload.errors`, such as `FileNotFoundProblemError`.
"""


@dataclass(frozen=True, slots=True)
class Params:
    """The parameters of a submission."""

    text: bytes
    """As they were sent, as compact JSON: what is stored, shown and run. Defaults that were not sent are not in it."""
    values: BaseModel
    """What the task's model reads from them, for `Task.cost` and `Task.examine`.

    A lane reads the text again. These values are never written, so that what a validator changes is changed once.
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
    """The JSON Schema of the parameters. It must not be changed."""
    result: ResultType
    function: Callable[..., Any]
    cost_of: CostFunction | None = None
    examine: Examiner | None = None
    exact: Callable[[bytes], bytes] = bytes
    """Rewrites parameters so that pydantic reads them exactly: see `exact_numbers`."""
    example: dict[str, Any] = field(default_factory=dict)
    """Parameters that `parse` accepts, for a form. Empty when none could be generated."""

    @property
    def params(self) -> type[BaseModel]:
        return self.signature.params

    def parse(self, body: bytes) -> BaseModel:
        """Parse parameters strictly: see `validation.validate`. Raise `pydantic.ValidationError`."""
        return validate(self.params, body, self.exact)

    def read(self, body: bytes) -> Params:
        """Return the parameters with their text. Raise `pydantic.ValidationError`, as `parse` does."""
        values = self.parse(body)
        return Params(compact(body), values)

    def dump(self, params: BaseModel) -> bytes:
        """Return the parameters as earlier versions stored them and made fingerprints of them.

        Raise what the model's own serializers raise.
        """
        return params.model_dump_json(by_alias=True, exclude_unset=True, round_trip=True).encode()

    def cost(self, params: BaseModel) -> float:
        """Return the estimated CPU seconds; 0.0 when they are not known.

        Raise `errors.TooExpensiveError`, and `errors.InvalidParametersError` if the cost function raises anything else.
        """
        if self.cost_of is None:
            return 0.0
        try:
            cost = float(self.cost_of(**self.signature.values(params)))
        except ProblemError:
            raise
        except (Exception, SystemExit) as error:
            raise _without_cost(describe(error)) from error
        if isnan(cost):
            raise _without_cost("it returned NaN")
        return cost

    def run(self, params: bytes, context: Context) -> bytes:
        """Run the function with a job's parameters. Return its result as JSON.

        Raise what the function raises, `faults.ResultNotSerializableError`, and `pydantic.ValidationError` when the
        function's parameters have changed since the job was accepted.
        """
        values = self.params.model_validate_json(self.exact(params), strict=True)
        returned = self.signature.call(self.function, values, context)
        if inspect.iscoroutine(returned):
            import asyncio  # noqa: PLC0415  # takes 30 ms, which only a lane with an async task needs

            returned = asyncio.run(returned)
        return self.result.write(returned)


def _without_cost(reason: str) -> InvalidParametersError:
    msg = f"The task's cost function fails with these parameters ({reason[:300]})"
    return InvalidParametersError(f"{msg}.", errors=[{"loc": ["body"], "msg": msg}])
