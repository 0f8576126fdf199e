"""Query parameters as models, for validation and for the OpenAPI document.

Fast routes validate them by `read_query`; ordinary routes by FastAPI and, before it, by `strictly`.
"""

import re
from typing import Annotated, Any, TypeVar, get_origin
from urllib.parse import parse_qsl

from fastapi import Depends, Path, Request
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, WithJsonSchema

from offload.api.contract import times
from offload.api.contract.validation import invalid, invalid_model
from offload.errors import InvalidParametersError
from offload.jobs.model import State

MAX_WAIT_S = 60
"""The longest that one request waits for a job."""

MOST_PARAMETERS = 200

_WHOLE = re.compile(r"[+-]?[0-9]{1,1000}")

_DECIMAL = re.compile(r"[+-]?([0-9]++(\.[0-9]*+)?|\.[0-9]++)(e[+-]?[0-9]++)?", re.IGNORECASE)


def whole(value: object) -> object:
    """Accepts strict integers only: pydantic alone accepts `1_0`, ` 1 ` and `1.0`, too."""
    if isinstance(value, str) and not _WHOLE.fullmatch(value):
        raise ValueError("Input should be a whole number")
    return value


def decimal(value: object) -> object:
    """Accepts plain decimal numbers only, not `nan`, `1_0` or ` 1 `."""
    if isinstance(value, str) and not _DECIMAL.fullmatch(value):
        raise ValueError("Input should be a number")
    return value


def never_null(schema: dict[str, Any]) -> None:
    """Removes `null` from a parameter's schema: query strings and forms have no `null`."""
    choices = [choice for choice in schema.pop("anyOf", ()) if choice.get("type") != "null"]
    schema.update(*choices)


OptionalText = Annotated[str | None, Field(json_schema_extra=never_null)]

JobId = Annotated[str, Path(alias="id", description="the job's id")]

BatchId = Annotated[str, Path(alias="id", description="the batch's id")]


class PollQuery(BaseModel):
    """Query parameters of `GET /jobs/{id}` and `GET /batches/{id}`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    wait: Annotated[
        int,
        Field(ge=0),
        BeforeValidator(whole),
        Field(description=f"seconds to wait until it has finished; at most {MAX_WAIT_S}"),
        AfterValidator(lambda seconds: min(seconds, MAX_WAIT_S)),
    ] = 0


def _moment(value: object) -> int:
    return times.read(str(value))


OptionalMoment = Annotated[
    int | None, BeforeValidator(_moment), WithJsonSchema({"type": "string", "format": "date-time"})
]
"""A time in microseconds since the epoch, from RFC 3339."""


_CURSOR = "^1-[0-9a-f]{1,15}$"
"""The version of the format, and a position in hex."""


def _place(cursor: object) -> int:
    if not re.fullmatch(_CURSOR, str(cursor)):
        raise ValueError("Input should be a cursor from `next` of this service")
    return int(str(cursor).partition("-")[2], 16)


def cursor(place: int) -> str:
    """Returns the cursor for the position where a page starts. It is opaque to clients."""
    return f"1-{place:x}"


class PageQuery(BaseModel):
    """Selects a page of a list."""

    model_config = ConfigDict(extra="forbid")

    limit: Annotated[int, Field(ge=1, le=1000), BeforeValidator(whole)] = 100
    cursor: Annotated[
        int | None,
        BeforeValidator(_place),
        WithJsonSchema({"type": "string", "pattern": _CURSOR}),
        Field(description="`next` of the previous page"),
    ] = None


class ListQuery(PageQuery):
    """Filters of the list of jobs."""

    state: Annotated[list[State], Field(max_length=len(State), description="repeatable")] = []
    task: OptionalText = None
    label: OptionalText = None
    batch: OptionalText = None
    created_after: OptionalMoment = None
    created_before: OptionalMoment = None


Model = TypeVar("Model", bound=BaseModel)


def read_query(model: type[Model], query: bytes) -> Model:
    """Returns the query string as a model. Raises `InvalidParametersError`."""
    names = model.model_fields
    values: dict[str, str | list[str]] = {}
    try:
        pairs = parse_qsl(query.decode("latin-1"), keep_blank_values=True, max_num_fields=MOST_PARAMETERS)
    except ValueError:
        msg = f"There are more than {MOST_PARAMETERS} query parameters"
        raise InvalidParametersError(msg + ".", errors=[{"loc": ["query"], "msg": msg}]) from None
    for name, value in pairs:
        if name in names and get_origin(names[name].annotation) is list:
            values.setdefault(name, []).append(value)  # type: ignore[union-attr]  # only lists are put under this name
        elif name in values:
            raise invalid([{"loc": ("query", name), "msg": "This may be given only once", "type": "twice"}])
        else:
            values[name] = value
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise invalid_model(error, "query", known=names) from None


def strictly(model: type[BaseModel]) -> Any:  # Any, as FastAPI's own Depends
    """Returns a dependency that rejects repeated names: FastAPI alone takes the last value."""

    async def check(request: Request) -> None:
        read_query(model, request.scope["query_string"])

    return Depends(check)
