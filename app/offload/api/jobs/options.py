"""What a submission may say besides its parameters: once as a query, once as JSON, with the same bounds."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from offload.api.contract.queries import decimal, never_null, whole
from offload.api.contract.validation import invalid
from offload.jobs.acceptance.admission import Options
from offload.tasks.declaration import MAX_ATTEMPTS

MOST_LABELS = 20

Label = Annotated[str, Field(min_length=1, max_length=100)]
Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Attempts = Annotated[int, Field(ge=1, le=MAX_ATTEMPTS)]
Mebibytes = Annotated[int, Field(ge=16)]

_PRIORITY = "higher goes first"
_SECONDS = "seconds an attempt may run; left out: the task's own, else the server's"
_ATTEMPTS = "how often it may be begun in all, where its worker dies; a task that raises is not begun again"
_MEBIBYTES = "MiB of memory; left out: the task's own, else the server's"


class SubmitQuery(BaseModel):
    """The options of a submission, as query parameters: `label` is repeated there."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    # A bound must come before the validator that reads the text, or the document would not show it.
    priority: Annotated[int, Field(ge=-100, le=100), BeforeValidator(whole), Field(description=_PRIORITY)] = 0
    timeout_s: Annotated[
        Seconds | None, BeforeValidator(decimal), Field(description=_SECONDS, json_schema_extra=never_null)
    ] = None
    max_attempts: Annotated[
        Attempts | None, BeforeValidator(whole), Field(description=_ATTEMPTS, json_schema_extra=never_null)
    ] = None
    memory_mb: Annotated[
        Mebibytes | None, BeforeValidator(whole), Field(description=_MEBIBYTES, json_schema_extra=never_null)
    ] = None
    label: Annotated[
        list[Label], Field(max_length=MOST_LABELS, description="a word to find the job by; repeatable")
    ] = []

    def options(self) -> Options:
        """As the jobs know them."""
        return _options(self, self.label)


class MemberOptions(BaseModel):
    """The same of a batch's member, as names of its object."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    priority: int = Field(default=0, ge=-100, le=100, description=_PRIORITY)
    timeout_s: Seconds | None = Field(default=None, description=_SECONDS)
    max_attempts: Attempts | None = Field(default=None, description=_ATTEMPTS)
    memory_mb: Mebibytes | None = Field(default=None, description=_MEBIBYTES)
    labels: list[Label] = Field(default=[], max_length=MOST_LABELS, description="words to find the job by")

    def options(self) -> Options:
        """As the jobs know them."""
        return _options(self, self.labels)


def _options(said: SubmitQuery | MemberOptions, labels: Sequence[str]) -> Options:
    return Options(
        priority=said.priority,
        timeout_s=said.timeout_s,
        max_attempts=said.max_attempts,
        memory_mb=said.memory_mb,
        labels=tuple(labels),
    )


def with_labels(options: Options, labels: Sequence[str], *where: str | int) -> Options:
    """The options with the labels of the batch before a member's own.

    Raises `InvalidParametersError`, naming the place in the body, where there are more than `MOST_LABELS` together.
    """
    together = tuple(dict.fromkeys([*labels, *options.labels]))
    if len(together) > MOST_LABELS:
        msg = f"With those of the batch there are {len(together)} labels; at most {MOST_LABELS} are allowed"
        raise invalid([{"loc": ("body", *where), "msg": msg, "type": "value_error"}])
    return replace(options, labels=together)
