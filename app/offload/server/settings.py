"""Everything that can be set, by `OFFLOAD_…` variables or the command line, checked as a whole before anything starts.

A mistake refuses the start, together with every other mistake, each with what to write instead. What is legal but odd
becomes a warning in the log. Files named `.env` are not read.
"""

import difflib
import ipaddress
import os
import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from offload.engines.local.cpus import usable_cpus
from offload.errors import BootError
from offload.server.keyring import MAKE_ONE, Key, WrongKeysError, in_file, in_variable, together

PREFIX = "OFFLOAD_"

NOT_SETTINGS = frozenset({"OFFLOAD_URL", "OFFLOAD_API_KEY", "OFFLOAD_KEY_FILE", "OFFLOAD_NODE", "OFFLOAD_PRELOAD"})
"""Not the service's to read: the first three are a client's, the others a service's word to its own processes."""

DAY_S = 24 * 3600.0


def _field(description: str, write: str, example: object, **rules: Any) -> Any:  # Any, as pydantic's Field
    """A setting: what it means, and for an error's message what to write and an example of it."""
    return Field(description=description, json_schema_extra={"write": write, "example": str(example)}, **rules)


def _whole(description: str, default: int, least: int = 1, most: int | None = None) -> Any:
    write = f"a whole number of at least {least}" if most is None else f"a whole number from {least} to {most}"
    return _field(description, write, default, default=default, ge=least, le=most)


def _seconds(description: str, default: float, least: float | None = None) -> Any:
    write = "seconds, more than 0" if least is None else f"seconds, at least {least:g}"
    limit = {"gt": 0} if least is None else {"ge": least}
    return _field(description, write, f"{default:g}", default=default, allow_inf_nan=False, **limit)


def _keys(value: object) -> object:
    return in_variable(value) if isinstance(value, str) else value


def _names(value: object) -> object:
    return re.split(r"[\s,]+", value.strip(" ,").lower()) if isinstance(value, str) else value


def _lower(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


AbsolutePath = Annotated[Path, AfterValidator(lambda path: path.expanduser().absolute())]


class Settings(BaseSettings):
    """One service's settings, as `load_settings` found them right. Sizes and times carry their unit in the name."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_ignore_empty=True, frozen=True, validate_default=True)

    host: str = _field(
        "Address to listen on. Others than loopback need keys, or `OFFLOAD_INSECURE`.",
        "an address",
        "127.0.0.1",
        default="127.0.0.1",
    )
    port: int = _whole("Port to listen on; 0 takes a free one.", 8000, 0, 65535)
    insecure: bool = _field(
        "Allows to listen beyond loopback without keys: anybody who reaches the service may then use it.",
        "1 or 0",
        1,
        default=False,
    )
    api_keys: Annotated[tuple[Key, ...], NoDecode, BeforeValidator(_keys)] = _field(
        "Keys of callers, as `name:KEY` or `name:sha256:HEX`, separated by commas; with `:admin` at its end, one that "
        "sees everybody's jobs.",
        "entries separated by commas",
        f"alice:sha256:{'0' * 64}",
        default=(),
        repr=False,
    )
    api_keys_file: AbsolutePath | None = _field(
        "A file of such keys, one on each line. It is read again at SIGHUP.",
        "a path",
        "/etc/offload/keys",
        default=None,
    )
    known_hosts: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_names)] = _field(
        "Names with a dot by which callers may speak to a service without keys, besides local ones and addresses.",
        "names separated by commas",
        "offload.example.com",
        default=(),
    )
    data_dir: AbsolutePath = _field(
        "Where jobs, results and uploads are kept. One service at a time.", "a path", "./data", default=Path("data")
    )
    files_dir: AbsolutePath = _field(
        "Where `file-digest` may read. Default: `files` in the data directory.",
        "a path",
        "/srv/files",
        default_factory=lambda valid: valid["data_dir"] / "files",
    )
    lanes: int = _field(
        "Worker processes. Default: the CPUs that this process may really use (affinity and cgroup quota).",
        "a whole number of at least 1",
        2,
        default_factory=usable_cpus,
        ge=1,
    )
    nice: int = _whole("How much nicer the lanes are than the service, so that it answers while they work.", 10, 0, 19)
    tasks: str = _field(
        "Your own tasks, as `module:function` or `name=module:function`, separated by commas.",
        "entries separated by commas",
        "thumbs.work:shrink",
        default="",
    )
    queue_limit: int = _whole("Queued jobs beyond which new ones are refused (503).", 100_000)
    queue_max_mb: int = _whole("MiB that the parameters of queued jobs may take together; beyond that, 503.", 256)
    owner_queue_limit: int = _whole(
        "Queued jobs of one owner beyond which new ones of it are refused (429); 0: no such limit.", 0, 0
    )
    default_timeout_s: float = _seconds("How long an attempt may run where the submission does not say.", 300)
    max_timeout_s: float = _seconds("The longest time limit that a submission may ask for.", 3600)
    memory_mb: int = _whole("MiB of memory that a job may use, in its lane.", 1024, 64)
    upload_max_mb: int = _whole("MiB that one upload may have.", 4096)
    upload_idle_s: float = _seconds("An upload of which less than 16 KiB comes in this time is given up (408).", 30)
    body_max_kb: int = _whole("KiB that a JSON body may have.", 1024)
    body_timeout_s: float = _seconds("A JSON body must have arrived within this time (408).", 10)
    result_max_mb: int = _whole("MiB of JSON that a result may have.", 100)
    retention_s: float = _seconds("How long a finished job is kept.", 7 * DAY_S)
    idempotency_s: float = _seconds("How long an `Idempotency-Key` is remembered.", DAY_S, least=DAY_S)
    shutdown_grace_s: float = _seconds(
        "How soon the service has ended after SIGTERM. What runs may go on until 2 s before, then it is queued again.",
        8,
        0,
    )
    fibonacci_max_n: int = _whole("The largest n of `fibonacci` without a modulus.", 10_000_000, 0)
    fibonacci_max_recursive_n: int = _whole("The largest n of `fibonacci` by recursion.", 40, 0)
    log_format: Annotated[Literal["console", "json"], BeforeValidator(_lower)] = _field(
        "Log lines for people or for machines.", "console or json", "json", default="console"
    )
    log_level: Annotated[Literal["debug", "info", "warning", "error"], BeforeValidator(_lower)] = _field(
        "The least serious lines that are logged.", "debug, info, warning or error", "info", default="info"
    )

    @property
    def has_keys(self) -> bool:
        """True where callers need a key."""
        return bool(self.api_keys) or self.api_keys_file is not None

    def warnings(self) -> list[str]:
        """What is allowed but probably not meant, a sentence each."""
        cpus, memory_mb = usable_cpus(), os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") >> 20
        checks = {
            f"{self.lanes} lanes on {cpus} CPUs: they will mostly wait for each other.": self.lanes > 4 * cpus,
            f"{self.lanes} lanes of {self.memory_mb} MiB are more than this machine's {memory_mb} MiB of memory.": (
                self.lanes * self.memory_mb > memory_mb
            ),
            f"{self.host} is not loopback: anybody who reaches this port may start jobs.": (
                not is_loopback(self.host) and not self.has_keys
            ),
            "Without keys all callers are one owner, whom OFFLOAD_OWNER_QUEUE_LIMIT bounds as a whole.": (
                self.owner_queue_limit > 0 and not self.has_keys
            ),
            f"The data directory {self.data_dir} is in memory (tmpfs): a power cut loses every job.": (
                _filesystem(self.data_dir) in {"tmpfs", "ramfs"}
            ),
            f"The files directory {self.files_dir} holds the data directory: its files can be digested too.": (
                self.data_dir.resolve().is_relative_to(self.files_dir.resolve())
            ),
        }
        return [sentence for sentence, so in checks.items() if so]


def load_settings(**overrides: object) -> Settings:
    """The settings from the environment, `overrides` (the command line's) first.

    Raises BootError with every mistake, a line each. Looks at the directories but makes none.
    """
    problems = _unknown(os.environ)
    wrong: dict[str, tuple[object, str]] = {}
    try:
        settings = Settings(**overrides)  # type: ignore[arg-type]  # pydantic tells what does not fit
    except ValidationError as error:
        wrong = {
            str(each["loc"][0]): (each["input"], each["msg"])
            for each in error.errors()
            if each["type"] != "default_factory_not_called"  # the mistake is another field's
        }
        problems += [_wrong(name, value, msg, overrides) for name, (value, msg) in wrong.items()]
        # What is right is still checked together, with defaults for what is wrong.
        defaults = {name: Settings.model_fields[name].get_default(call_default_factory=True) for name in wrong}
        settings = Settings(**{**overrides, **defaults})
    problems += _conflicts(settings, keys=settings.has_keys or "api_keys" in wrong)
    if problems:
        raise BootError("\n".join(["These settings have to be changed:", *(f"  {problem}" for problem in problems)]))
    return settings


def is_loopback(host: str) -> bool:
    """True where only this machine can reach `host`. Names other than localhost are not looked up: they may change."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _unknown(environment: Iterable[str]) -> list[str]:
    known = [name.upper() for name in Settings.model_fields]
    problems = []
    for name in sorted(name for name in environment if name.upper().startswith(PREFIX)):
        bare = name.upper().removeprefix(PREFIX)
        if bare not in known and name not in NOT_SETTINGS:
            like = difflib.get_close_matches(bare, known, n=1)
            advice = f"Write {PREFIX}{like[0]}." if like else "Unset it."
            problems.append(f"{name}: there is no such setting. {advice}")
    return problems


def _wrong(name: str, value: object, msg: str, overrides: Iterable[str]) -> str:
    spelt = "--" + name.replace("_", "-") if name in overrides else PREFIX + name.upper()
    if name == "api_keys":  # which are told to nobody
        return f"{spelt}: {msg.removeprefix('Value error, ')}"
    hint: Any = Settings.model_fields[name].json_schema_extra  # the dict that _field made
    return f"{spelt}={str(value)[:100]}: write {hint['write']}, e.g. {spelt}={hint['example']}"


def _conflicts(settings: Settings, *, keys: bool) -> list[str]:
    """What is wrong with settings that are right each by itself. `keys`: there are some, or are meant to be."""
    data_dir, files_dir = settings.data_dir.resolve(), settings.files_dir.resolve()
    problems = []
    if settings.default_timeout_s > settings.max_timeout_s:
        most = f"{settings.max_timeout_s:g}"
        problems.append(
            f"OFFLOAD_DEFAULT_TIMEOUT_S={settings.default_timeout_s:g} is more than OFFLOAD_MAX_TIMEOUT_S={most}: "
            f"write at most that, e.g. OFFLOAD_DEFAULT_TIMEOUT_S={most}"
        )
    if not settings.insecure and not keys and not is_loopback(settings.host):
        problems.append(
            f"OFFLOAD_HOST={settings.host}: there are no keys, so anybody who reaches that address could start jobs. "
            f"Set OFFLOAD_API_KEYS=name:KEY, with a key made by {MAKE_ONE}; or write OFFLOAD_HOST=127.0.0.1; or, where "
            "everybody on that network may use the service, say so by OFFLOAD_INSECURE=1 (--insecure)"
        )
    if settings.api_keys_file and (fault := _wrong_file(settings.api_keys, settings.api_keys_file)):
        problems.append(f"OFFLOAD_API_KEYS_FILE={settings.api_keys_file}: {fault}")
    if fault := _unwritable(data_dir):
        problems.append(f"OFFLOAD_DATA_DIR={settings.data_dir}: {fault}; write a path where this user may write")
    if files_dir.is_relative_to(data_dir) and not files_dir.is_relative_to(data_dir / "files"):
        problems.append(
            f"OFFLOAD_FILES_DIR={settings.files_dir} is where the service keeps its own records: "
            f"write a path outside of {data_dir}, or {data_dir / 'files'}"
        )
    elif "files_dir" in settings.model_fields_set and not _enterable(files_dir):
        problems.append(
            f"OFFLOAD_FILES_DIR={settings.files_dir}: write the path of a directory that exists and can be read"
        )
    return problems


def _wrong_file(keys: Sequence[Key], file: Path) -> str | None:
    try:
        together(keys, in_file(file))
    except WrongKeysError as error:
        return str(error)
    return None


def _enterable(directory: Path) -> bool:
    return directory.is_dir() and os.access(directory, os.R_OK | os.X_OK)


def _unwritable(directory: Path) -> str | None:
    """Why files can't be made in `directory`, nor it itself, if so. A read-only file system counts as well."""
    nearest = next(path for path in (directory, *directory.parents) if os.path.lexists(path))
    if not nearest.is_dir():
        return f"{nearest} is not a directory"
    return None if os.access(nearest, os.W_OK | os.X_OK) else f"{nearest} can't be written"


def _filesystem(directory: Path) -> str | None:
    """The type of the file system that `directory` is on, or would be."""
    try:
        mounts = [line.split() for line in Path("/proc/self/mounts").read_text().splitlines()]
    except OSError:
        return None
    above: Callable[[str], bool] = directory.resolve().is_relative_to
    return max(((len(mount[1]), index, mount[2]) for index, mount in enumerate(mounts) if above(mount[1])))[2]
