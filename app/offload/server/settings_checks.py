"""Loads the settings and checks them together, before anything starts.

A mistake stops the start. All mistakes are reported together, each with what to write instead. A setting that is valid
but probably not intended causes a warning in the log. Files named `.env` are not read.
"""

import difflib
import ipaddress
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from offload.engines.local.cpus import usable_cpus
from offload.errors import BootError
from offload.server.keyring import KEY_COMMAND, Key, WrongKeysError, keys_from_file, merged
from offload.server.service_links import is_service_link
from offload.server.settings import NOT_SETTINGS, PREFIX, Settings


def load_settings(**overrides: object) -> Settings:
    """Returns the settings of the environment; `overrides` are those of the command line.

    Raises `BootError` with one line for each mistake. Checks directories, but creates none.
    """
    problems = _unknown(os.environ)
    wrong: dict[str, tuple[object, str]] = {}
    try:
        settings = Settings(**overrides)  # type: ignore[arg-type]  # pydantic reports wrong types
    except ValidationError as error:
        wrong = {
            str(each["loc"][0]): (each["input"], each["msg"])
            for each in error.errors()
            if each["type"] != "default_factory_not_called"  # a default that depends on another, wrong field
        }
        problems += [_wrong(name, value, msg, overrides) for name, (value, msg) in wrong.items()]
        # The valid settings are still checked together, with defaults in place of wrong ones.
        defaults = {name: Settings.model_fields[name].get_default(call_default_factory=True) for name in wrong}
        settings = Settings(**{**overrides, **defaults})
    problems += _conflicts(settings, keys=settings.has_keys or "api_keys" in wrong)
    if problems:
        raise BootError("\n".join(["These settings must be changed:", *(f"  {problem}" for problem in problems)]))
    return settings


def warnings_about(settings: Settings) -> list[str]:
    """Returns a sentence for each setting that is valid but probably not intended."""
    cpus, memory_mb = usable_cpus(), os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") >> 20
    checks = {
        f"{settings.lanes} lanes on {cpus} CPUs: they will compete for them.": settings.lanes > 4 * cpus,
        f"{settings.lanes} lanes of {settings.memory_mb} MiB each exceed this machine's {memory_mb} MiB of memory.": (
            settings.lanes * settings.memory_mb > memory_mb
        ),
        f"{settings.host} is not loopback: every host that reaches this port can start jobs.": (
            not is_loopback(settings.host) and not settings.has_keys
        ),
        "OFFLOAD_OWNER_QUEUE_LIMIT limits all callers together: without keys, they share the anonymous owner.": (
            settings.owner_queue_limit > 0 and not settings.has_keys
        ),
        f"The data directory {settings.data_dir} is in memory (tmpfs): a power failure loses every job.": (
            _filesystem(settings.data_dir) in {"tmpfs", "ramfs"}
        ),
        f"The files directory {settings.files_dir} contains the data directory: file-digest can read its files.": (
            settings.data_dir.resolve().is_relative_to(settings.files_dir.resolve())
        ),
    }
    return [sentence for sentence, applies in checks.items() if applies]


def is_loopback(host: str) -> bool:
    """Returns True if only this machine can reach `host`. Host names other than localhost are not resolved."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _unknown(environment: Mapping[str, str]) -> list[str]:
    known = [name.upper() for name in Settings.model_fields]
    problems = []
    for name in sorted(name for name in environment if name.upper().startswith(PREFIX)):
        bare = name.upper().removeprefix(PREFIX)
        if bare not in known and name not in NOT_SETTINGS and not is_service_link(name, environment[name]):
            like = difflib.get_close_matches(bare, known, n=1)
            advice = f"Write {PREFIX}{like[0]}." if like else "Unset it."
            problems.append(f"{name}: there is no such setting. {advice}")
    return problems


def _wrong(name: str, value: object, msg: str, overrides: Iterable[str]) -> str:
    spelling = "--" + name.replace("_", "-") if name in overrides else PREFIX + name.upper()
    if name == "api_keys":  # the message must not quote them
        return f"{spelling}: {msg.removeprefix('Value error, ')}"
    hint: Any = Settings.model_fields[name].json_schema_extra  # the dict from `settings._field`
    return f"{spelling}={str(value)[:100]}: write {hint['write']}, e.g. {spelling}={hint['example']}"


def _conflicts(settings: Settings, *, keys: bool) -> list[str]:
    """Returns what is wrong with settings that are each valid. `keys`: True if any are set, even wrong ones."""
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
            f"OFFLOAD_HOST={settings.host}: without keys, every host that reaches this address could start jobs. "
            f"Set OFFLOAD_API_KEYS=name:KEY, with a key made with {KEY_COMMAND}; or write OFFLOAD_HOST=127.0.0.1; "
            "or set OFFLOAD_INSECURE=1 (--insecure) if every host on that network may use the service"
        )
    if settings.api_keys_file and (fault := _keys_file_problem(settings.api_keys, settings.api_keys_file)):
        problems.append(f"OFFLOAD_API_KEYS_FILE={settings.api_keys_file}: {fault}")
    if fault := _not_writable(data_dir):
        problems.append(f"OFFLOAD_DATA_DIR={settings.data_dir}: {fault}; write a path that this user may write to")
    if files_dir.is_relative_to(data_dir) and not files_dir.is_relative_to(data_dir / "files"):
        problems.append(
            f"OFFLOAD_FILES_DIR={settings.files_dir} is inside the data directory: "
            f"write a path outside of {data_dir}, or {data_dir / 'files'}"
        )
    elif "files_dir" in settings.model_fields_set and not _readable(files_dir):
        problems.append(
            f"OFFLOAD_FILES_DIR={settings.files_dir}: write the path of an existing directory that this user may read"
        )
    return problems


def _keys_file_problem(keys: Sequence[Key], file: Path) -> str | None:
    try:
        merged(keys, keys_from_file(file))
    except WrongKeysError as error:
        return str(error)
    return None


def _readable(directory: Path) -> bool:
    return directory.is_dir() and os.access(directory, os.R_OK | os.X_OK)


def _not_writable(directory: Path) -> str | None:
    """Returns why `directory`, or files in it, can't be created; None if they can. Covers read-only file systems."""
    nearest = next(path for path in (directory, *directory.parents) if os.path.lexists(path))
    if not nearest.is_dir():
        return f"{nearest} is not a directory"
    return None if os.access(nearest, os.W_OK | os.X_OK) else f"{nearest} can't be written"


def _filesystem(directory: Path) -> str | None:
    """Returns the type of the file system that `directory` is on, or would be on."""
    try:
        mounts = [line.split() for line in Path("/proc/self/mounts").read_text().splitlines()]
    except OSError:
        return None
    above: Callable[[str], bool] = directory.resolve().is_relative_to
    return max(((len(mount[1]), index, mount[2]) for index, mount in enumerate(mounts) if above(mount[1])))[2]
