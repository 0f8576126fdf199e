"""The options of a submission, declared once.

`SubmitOptions` types the keyword arguments of the Python client. The query parameters, the fields of a batch's member,
their OpenAPI description and the options of `offload submit` are made from it by way of `OPTIONS`; the page makes its
form from the OpenAPI document. To add an option, add it to `SubmitOptions` and use it in `offload.jobs`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import GenericAlias
from typing import Annotated, Any, TypedDict, get_args, get_origin, get_type_hints

from pydantic import Field
from pydantic.fields import FieldInfo

MAX_ATTEMPTS = 10

MAX_LABELS = 20

Label = Annotated[str, Field(min_length=1, max_length=100)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Surface:
    """How the API and the command line present an option."""

    description: str
    metavar: str
    """Stands for the value in the help of the command line: `--timeout SECONDS`."""
    flag: str | None = None
    """The option of the command line. None: the option's name with dashes."""
    query: str | None = None
    """The query parameter. None: the option's name."""
    default: int | None = None
    """None: the task's default, or else the server's."""


class SubmitOptions(TypedDict, total=False):
    """What a submission sets besides the parameters of the task. An option that is None counts as absent."""

    priority: Annotated[
        int | None,
        Field(ge=-100, le=100),
        Surface(description="Jobs with a higher priority start first.", metavar="NUMBER", default=0),
    ]
    timeout_s: Annotated[
        float | None,
        Field(gt=0, allow_inf_nan=False),
        Surface(
            description="Seconds that an attempt may run. Default: the task's limit, or else the server's.",
            metavar="SECONDS",
            flag="--timeout",
        ),
    ]
    max_attempts: Annotated[
        int | None,
        Field(ge=1, le=MAX_ATTEMPTS),
        Surface(
            description="How many attempts the job has if its worker process dies. An exception in the task is final. "
            "Default: the task's limit, or else 2.",
            metavar="NUMBER",
        ),
    ]
    memory_mb: Annotated[
        int | None,
        Field(ge=16),
        Surface(
            description="MiB of memory that an attempt may use. Default: the task's limit, or else the server's.",
            metavar="MIB",
            flag="--memory",
        ),
    ]
    labels: Annotated[
        Sequence[Label],
        Field(max_length=MAX_LABELS),
        Surface(description="Labels to find the job by.", metavar="NAME", flag="--label", query="label"),
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One of the declared options."""

    name: str
    type: Any  # `int`, `float` or `list[…]`: a type expression has no type of its own
    bounds: FieldInfo
    surface: Surface

    @property
    def repeatable(self) -> bool:
        """True if the option has several values."""
        return get_origin(self.type) is list

    @property
    def flag(self) -> str:
        """The option of the command line."""
        return self.surface.flag or "--" + self.name.replace("_", "-")

    @property
    def query(self) -> str:
        """The query parameter."""
        return self.surface.query or self.name

    @property
    def default(self) -> Any:
        """The value that an absent option stands for; None where it depends on the task and the server."""
        return [] if self.repeatable else self.surface.default


def _option(name: str, declared: Any) -> Option:
    bounds, surface = declared.__metadata__
    value, *none = get_args(declared.__origin__)  # of `int | None`, or of `Sequence[Label]`
    return Option(name=name, type=value if none else GenericAlias(list, value), bounds=bounds, surface=surface)


OPTIONS: Mapping[str, Option] = {
    name: _option(name, declared) for name, declared in get_type_hints(SubmitOptions, include_extras=True).items()
}
"""By name, in the order of their declaration."""


def check_names(options: SubmitOptions) -> None:
    """Raise `TypeError` for an unknown option, as for an unknown keyword argument."""
    if unknown := options.keys() - OPTIONS.keys():
        raise TypeError(f"There is no option {min(unknown)!r}; the options are {', '.join(OPTIONS)}.")


def given(options: SubmitOptions) -> dict[str, Any]:
    """Return the options that are set, in the order of their declaration, as a member of a batch has them in JSON.

    Raises `TypeError` for an unknown name.
    """
    check_names(options)
    present: Mapping[str, Any] = {**options}
    values = {name: present[name] for name in OPTIONS if name in present}
    plain = {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}
    return {name: value for name, value in plain.items() if value is not None and value != []}


def query_parameters(options: SubmitOptions) -> tuple[tuple[str, str], ...]:
    """Return the options that are set as pairs of a query string."""
    return tuple(
        (OPTIONS[name].query, str(value))
        for name, values in given(options).items()
        for value in (values if OPTIONS[name].repeatable else [values])
    )


_ALWAYS_IDENTIFYING = ("priority", "timeout_s", "max_attempts", "memory_mb", "labels")


def identifying(options: SubmitOptions) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the options as far as they tell one submission from another.

    The first part always has the same five names, with their defaults. Journals hold fingerprints that were made from
    these alone, so an option that was added since is in the second part, and only if it is set.
    """
    values = given(options)
    always = {name: values.pop(name, OPTIONS[name].default) for name in _ALWAYS_IDENTIFYING}
    return always, values
