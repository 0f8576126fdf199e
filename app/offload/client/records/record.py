"""The base of records: frozen views of the JSON objects that the service sends."""

from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    ModelWrapValidatorHandler,
    PlainValidator,
    PrivateAttr,
    WithJsonSchema,
    model_validator,
)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("Input should be a string")  # noqa: TRY004  # pydantic reads a ValueError as the field's fault
    return value


Text = Annotated[str, PlainValidator(_text), WithJsonSchema({"type": "string"})]
"""Text from outside the service. JSON may contain lone surrogates, which pydantic's own strings reject."""


class Record(BaseModel):
    """A frozen view of a JSON object. Fields that a newer service adds are ignored, but kept in `raw`."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    _raw: Mapping[str, Any] = PrivateAttr(default_factory=dict)

    @model_validator(mode="wrap")
    @classmethod
    def _keep_raw(cls, value: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        record = handler(value)
        if isinstance(value, dict):
            record._raw = value  # noqa: SLF001  # its own
        return record

    @property
    def raw(self) -> Mapping[str, Any]:
        """The JSON object as it was received, with the fields that this client does not know."""
        return self._raw

    def __eq__(self, other: object) -> bool:
        """Equal in all fields that this client knows."""
        return type(self) is type(other) and self.__dict__ == other.__dict__

    __hash__ = None  # type: ignore[assignment]  # some fields are JSON, which has no hash
