"""The settings of the service, each declared once. Loaded and checked by `settings_checks`."""

import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from offload.engines.local.cpus import usable_cpus
from offload.server.keyring import Key, keys_from_text
from offload.server.service_links import DEFAULT_PORT, without_service_link

PREFIX = "OFFLOAD_"

NOT_SETTINGS = frozenset({"OFFLOAD_URL", "OFFLOAD_API_KEY", "OFFLOAD_KEY_FILE"})
"""Variables that the service does not read: they are for clients."""

ROOT_PATH = r"(/[A-Za-z0-9._~-]+)+"
"""A pattern of characters that need no quoting, in a header or on a page."""

DAY_S = 24 * 3600.0


def _field(description: str, write: str, example: object, **rules: Any) -> Any:  # Any, as pydantic's Field
    """Declares a setting: its meaning, and for error messages what to write and an example."""
    return Field(description=description, json_schema_extra={"write": write, "example": str(example)}, **rules)


def _whole(description: str, default: int, least: int = 1, most: int | None = None) -> Any:
    write = f"a whole number of at least {least}" if most is None else f"a whole number from {least} to {most}"
    return _field(description, write, default, default=default, ge=least, le=most)


def _seconds(description: str, default: float, least: float | None = None) -> Any:
    write = "seconds, more than 0" if least is None else f"seconds, at least {least:g}"
    limit = {"gt": 0} if least is None else {"ge": least}
    return _field(description, write, f"{default:g}", default=default, allow_inf_nan=False, **limit)


def _keys(value: object) -> object:
    return keys_from_text(value) if isinstance(value, str) else value


def _names(value: object) -> object:
    return re.split(r"[\s,]+", value.strip(" ,").lower()) if isinstance(value, str) else value


def _lower(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


AbsolutePath = Annotated[Path, AfterValidator(lambda path: path.expanduser().absolute())]


class Settings(BaseSettings):
    """The settings of one service. Names of sizes and times end in their unit."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_ignore_empty=True, frozen=True, validate_default=True)

    host: str = _field(
        "Address to listen on. Addresses other than loopback require keys or `OFFLOAD_INSECURE`.",
        "an address",
        "127.0.0.1",
        default="127.0.0.1",
    )
    port: Annotated[int, BeforeValidator(without_service_link)] = _whole(
        "Port to listen on. 0 selects a free port.", DEFAULT_PORT, 0, 65535
    )
    root_path: str = _field(
        "Path below which a proxy serves the API, if it strips that path from requests.",
        "a path of letters, digits and . _ ~ -",
        "/offload",
        default="",
        pattern=f"^({ROOT_PATH})?$",
    )
    insecure: bool = _field(
        "Allows other hosts to connect without keys: every host that reaches the service can use it.",
        "1 or 0",
        1,
        default=False,
    )
    api_keys: Annotated[tuple[Key, ...], NoDecode, BeforeValidator(_keys)] = _field(
        "API keys, as `name:KEY` or `name:sha256:HEX`, separated by commas. A key whose entry ends in `:admin` sees "
        "the jobs of all owners.",
        "entries separated by commas",
        f"alice:sha256:{'0' * 64}",
        default=(),
        repr=False,
    )
    api_keys_file: AbsolutePath | None = _field(
        "File with API keys, one entry per line. SIGHUP reloads it.",
        "a path",
        "/etc/offload/keys",
        default=None,
    )
    known_hosts: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_names)] = _field(
        "Host names with a dot that requests to a service without keys may use, besides local names and addresses.",
        "names separated by commas",
        "offload.example.com",
        default=(),
    )
    data_dir: AbsolutePath = _field(
        "Directory for jobs, results and uploads. Only one service can use it at a time.",
        "a path",
        "./data",
        default=Path("data"),
    )
    files_dir: AbsolutePath = _field(
        "Directory that `file-digest` may read. Default: `files` in the data directory.",
        "a path",
        "/srv/files",
        default_factory=lambda valid: valid["data_dir"] / "files",
    )
    lanes: int = _field(
        "Number of worker processes. Default: the number of usable CPUs, by affinity and cgroup quota.",
        "a whole number of at least 1",
        2,
        default_factory=usable_cpus,
        ge=1,
    )
    nice: int = _whole(
        "How much the lanes' nice value is raised, so that the service responds while they work.", 10, 0, 19
    )
    tasks: str = _field(
        "Your own tasks, as `module:function` or `name=module:function`, separated by commas.",
        "entries separated by commas",
        "thumbs.work:shrink",
        default="",
    )
    queue_limit: int = _whole("Maximum number of queued jobs. Beyond it, new jobs are rejected (503).", 100_000)
    queue_max_mb: int = _whole(
        "Maximum total size of the parameters of queued jobs, in MiB. Beyond it, new jobs are rejected (503).", 256
    )
    owner_queue_limit: int = _whole(
        "Maximum number of queued jobs of one owner. Beyond it, its new jobs are rejected (429). 0: no limit.", 0, 0
    )
    default_timeout_s: float = _seconds("Time limit of an attempt, in seconds, if the submission sets none.", 300)
    max_timeout_s: float = _seconds("Maximum time limit that a submission can set, in seconds.", 3600)
    memory_mb: int = _whole("Maximum memory of a job, in MiB.", 1024, 64)
    upload_max_mb: int = _whole("Maximum size of an upload, in MiB.", 4096)
    upload_idle_s: float = _seconds(
        "An upload that receives less than 16 KiB in this many seconds is aborted (408).", 30
    )
    body_max_kb: int = _whole("Maximum size of a JSON body, in KiB.", 1024)
    body_timeout_s: float = _seconds("Time limit for receiving a JSON body, in seconds (408).", 10)
    result_max_mb: int = _whole("Maximum size of a result, in MiB of JSON.", 100)
    retention_s: float = _seconds("How long a finished job is kept, in seconds.", 7 * DAY_S)
    idempotency_s: float = _seconds("How long an `Idempotency-Key` is remembered, in seconds.", DAY_S, least=DAY_S)
    shutdown_grace_s: float = _seconds(
        "Seconds from SIGTERM to the end of the service. Running jobs are queued again 2 s before the end.",
        8,
        0,
    )
    fibonacci_max_n: int = _whole("Maximum n of `fibonacci` without a modulus.", 10_000_000, 0)
    fibonacci_max_recursive_n: int = _whole("Maximum n of `fibonacci` with the recursive method.", 40, 0)
    log_format: Annotated[Literal["console", "json"], BeforeValidator(_lower)] = _field(
        "Log lines for people (`console`) or for programs (`json`).", "console or json", "json", default="console"
    )
    log_level: Annotated[Literal["debug", "info", "warning", "error"], BeforeValidator(_lower)] = _field(
        "Minimum level of logged lines.", "debug, info, warning or error", "info", default="info"
    )

    @property
    def has_keys(self) -> bool:
        """True if callers need a key."""
        return bool(self.api_keys) or self.api_keys_file is not None
