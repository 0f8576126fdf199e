"""The options of a submission as models: once for the query string, once for a batch's member, with the same bounds."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias, cast

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, create_model

from offload.api.contract.queries import decimal, never_null, whole
from offload.api.contract.validation import invalid
from offload.options import MAX_LABELS, OPTIONS, Option, SubmitOptions

_NAMES = {option.query: option.name for option in OPTIONS.values()}

_READ = {int: whole, float: decimal}
"""Functions that check the text of a query parameter, by the type of its value."""


def _query_field(option: Option) -> tuple[Any, Any]:  # the annotation and default that `create_model` takes
    description = option.surface.description
    if option.repeatable:
        return Annotated[option.type, option.bounds, Field(description=f"{description} Repeatable.")], option.default
    # The bounds come before the validator that reads the text, or the OpenAPI document would not have them.
    bounded: Any = Annotated[option.type, option.bounds]
    read = BeforeValidator(_READ.get(option.type, str))
    if option.default is not None:
        return Annotated[bounded, read, Field(description=description)], option.default
    return Annotated[bounded | None, read, Field(description=description, json_schema_extra=never_null)], None


def _member_field(option: Option) -> tuple[Any, Any]:
    bounded: Any = Annotated[option.type, option.bounds]
    if option.default is None:
        bounded = bounded | None
    return Annotated[bounded, Field(description=option.surface.description)], option.default


if TYPE_CHECKING:  # mypy knows no class that is made at run time
    _QueryOptions: TypeAlias = BaseModel
    _MemberOptions: TypeAlias = BaseModel
else:
    _QueryOptions = create_model("_QueryOptions", **{one.query: _query_field(one) for one in OPTIONS.values()})
    _MemberOptions = create_model("_MemberOptions", **{one.name: _member_field(one) for one in OPTIONS.values()})


class SubmitQuery(_QueryOptions):
    """The options of a submission as query parameters."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    def options(self) -> SubmitOptions:
        """Returns the options that are set."""
        values = {_NAMES[name]: getattr(self, name) for name in self.model_fields_set if name in _NAMES}
        return cast("SubmitOptions", values)  # the fields are made of its own


class MemberOptions(_MemberOptions):
    """The options of a batch's member as fields of its JSON object."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    def options(self) -> SubmitOptions:
        """Returns the options that are set."""
        return cast("SubmitOptions", {name: getattr(self, name) for name in self.model_fields_set})  # see SubmitQuery


def with_labels(options: SubmitOptions, labels: Sequence[str], *where: str | int) -> SubmitOptions:
    """Returns the options with the labels of the batch before the member's own.

    Raises `InvalidParametersError`, naming the place in the body, if there are more than `MAX_LABELS` together.
    """
    together = list(dict.fromkeys([*labels, *options.get("labels", ())]))
    if len(together) > MAX_LABELS:
        msg = f"With those of the batch there are {len(together)} labels; at most {MAX_LABELS} are allowed"
        raise invalid([{"loc": ("body", *where), "msg": msg, "type": "value_error"}])
    return {**options, "labels": together}
