import os
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

from offload.engines.local.cpus import usable_cpus
from offload.errors import BootError
from offload.server.settings import PREFIX, Settings
from offload.server.settings_checks import is_loopback, load_settings, warnings_about

KEY = "kxv3-0123456789abcdef"
OTHER_KEY = "qzw8-0123456789abcdef"


@pytest.fixture(autouse=True)
def clean(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith(PREFIX)]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def refusal(**overrides: object) -> str:
    with pytest.raises(BootError) as refused:
        load_settings(**overrides)
    return str(refused.value)


def test_the_defaults_are_those_of_the_contract(tmp_path: Path) -> None:
    settings = load_settings()
    assert (settings.host, settings.port, settings.insecure) == ("127.0.0.1", 8000, False)
    assert settings.data_dir == tmp_path / "data"
    assert settings.files_dir == tmp_path / "data" / "files"
    assert settings.lanes == usable_cpus()
    assert (settings.queue_limit, settings.default_timeout_s, settings.max_timeout_s) == (100_000, 300, 3600)
    assert (settings.memory_mb, settings.upload_max_mb, settings.retention_s) == (1024, 4096, 7 * 24 * 3600)
    assert (settings.shutdown_grace_s, settings.log_format) == (8, "console")
    assert list(tmp_path.iterdir()) == [], "looking at settings makes nothing"


def test_the_command_line_takes_precedence_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OFFLOAD_LANES", "3")
    monkeypatch.setenv("OFFLOAD_PORT", "8100")
    settings = load_settings(lanes=5)
    assert (settings.lanes, settings.port) == (5, 8100)


def test_an_empty_variable_is_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OFFLOAD_PORT", "")
    assert load_settings().port == 8000


LINKS = {
    "OFFLOAD_SERVICE_HOST": "10.0.0.11",
    "OFFLOAD_SERVICE_PORT": "80",
    "OFFLOAD_SERVICE_PORT_HTTP": "80",
    "OFFLOAD_PORT": "tcp://10.0.0.11:80",
    "OFFLOAD_PORT_80_TCP": "tcp://10.0.0.11:80",
    "OFFLOAD_PORT_80_TCP_PROTO": "tcp",
    "OFFLOAD_PORT_80_TCP_PORT": "80",
    "OFFLOAD_PORT_80_TCP_ADDR": "10.0.0.11",
    "OFFLOAD_STAGING_SERVICE_HOST": "10.0.0.12",
    "OFFLOAD_STAGING_PORT": "udp://10.0.0.12:53",
    "OFFLOAD_STAGING_PORT_53_UDP_ADDR": "10.0.0.12",
}
"""As Kubernetes sets them for Services that are named `offload` and `offload-staging`."""


def test_service_links_are_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in LINKS.items():
        monkeypatch.setenv(name, value)
    assert load_settings().port == 8000
    assert load_settings(port=8100).port == 8100
    monkeypatch.setenv("OFFLOAD_PORT", "8200")
    assert load_settings().port == 8200


@pytest.mark.parametrize("name", ["OFFLOAD_SERVICE", "OFFLOAD_SERVICE_HOSTS", "OFFLOAD_PORTS", "OFFLOAD_STAGING_PORT"])
def test_what_only_resembles_a_service_link_is_unknown(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "80")
    with pytest.raises(BootError, match=f"{name}: there is no such setting"):
        load_settings()


def test_a_dotenv_file_is_not_read(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("OFFLOAD_PORT=8100\n")
    assert load_settings().port == 8000


def test_settings_can_not_be_changed() -> None:
    with pytest.raises(ValidationError):
        load_settings().port = 1  # type: ignore[misc]


@pytest.mark.parametrize(
    ("variable", "value", "advice"),
    [
        ("LANES", "zero", "write a whole number of at least 1, e.g. OFFLOAD_LANES=2"),
        ("LANES", "0", "write a whole number of at least 1, e.g. OFFLOAD_LANES=2"),
        ("LANES", "1.5", "write a whole number of at least 1"),
        ("PORT", "65536", "write a whole number from 0 to 65535, e.g. OFFLOAD_PORT=8000"),
        ("PORT", "http://10.0.0.1:8000", "write a whole number from 0 to 65535"),
        ("NICE", "-1", "write a whole number from 0 to 19"),
        ("MEMORY_MB", "10", "write a whole number of at least 64"),
        ("OWNER_QUEUE_LIMIT", "-1", "write a whole number of at least 0"),
        ("QUEUE_LIMIT", "0", "write a whole number of at least 1"),
        ("DEFAULT_TIMEOUT_S", "0", "write seconds, more than 0"),
        ("DEFAULT_TIMEOUT_S", "nan", "write seconds, more than 0"),
        ("MAX_TIMEOUT_S", "inf", "write seconds, more than 0"),
        ("RETENTION_S", "1 week", "write seconds, more than 0, e.g. OFFLOAD_RETENTION_S=604800"),
        ("IDEMPOTENCY_S", "3600", "write seconds, at least 86400"),
        ("SHUTDOWN_GRACE_S", "-1", "write seconds, at least 0"),
        ("INSECURE", "perhaps", "write 1 or 0"),
        ("LOG_FORMAT", "xml", "write console or json"),
        ("LOG_LEVEL", "loud", "write debug, info, warning or error"),
        ("FIBONACCI_MAX_N", "-1", "write a whole number of at least 0"),
    ],
)
def test_a_wrong_value_is_rejected_with_what_to_write(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, advice: str
) -> None:
    monkeypatch.setenv(PREFIX + variable, value)
    assert f"{PREFIX}{variable}={value}: {advice}" in refusal()


def test_an_error_names_the_option_of_the_command_line() -> None:
    assert "--lanes=0: write a whole number of at least 1, e.g. --lanes=2" in refusal(lanes=0)


@pytest.mark.parametrize("name", sorted(Settings.model_fields))
def test_the_example_of_every_setting_is_valid(name: str, tmp_path: Path) -> None:
    field = Settings.model_fields[name]
    assert isinstance(field.json_schema_extra, dict)
    assert field.description
    example = field.json_schema_extra["example"]
    Settings.model_validate({"data_dir": tmp_path, name: example})


def test_all_mistakes_are_reported_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OFFLOAD_LANES", "zero")
    monkeypatch.setenv("OFFLOAD_MAX_TIMEOUT_S", "5")
    monkeypatch.setenv("OFFLOAD_LANE", "2")
    monkeypatch.setenv("OFFLOAD_HOST", "192.0.2.1")
    message = refusal(port=70000, files_dir="/missing")
    for mistake in (
        "LANES=zero",
        "DEFAULT_TIMEOUT_S=300",
        "LANE:",
        "HOST=192.0.2.1",
        "--port=70000",
        "FILES_DIR=/missing",
    ):
        assert mistake in message
    assert len(message.splitlines()) == 1 + 6


def test_an_unknown_setting_is_rejected_with_a_suggestion(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OFFLOAD_QUEUELIMIT", "5")
    assert "OFFLOAD_QUEUELIMIT: there is no such setting. Write OFFLOAD_QUEUE_LIMIT." in refusal()


def test_an_unknown_setting_without_a_similar_one_is_rejected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OFFLOAD_XYZZY", "5")
    assert "OFFLOAD_XYZZY: there is no such setting. Unset it." in refusal()


def test_keys_are_read_from_the_environment_and_kept_as_digests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OFFLOAD_API_KEYS", f"alice:{KEY}\nroot:sha256:{'ab' * 32}:admin")
    settings = load_settings()
    assert [(key.name, key.admin) for key in settings.api_keys] == [("alice", False), ("root", True)]
    assert settings.has_keys
    assert KEY not in repr(settings)
    assert KEY not in str(settings.model_dump())


@pytest.mark.parametrize("host", ["127.0.0.1", "192.0.2.1"])
def test_wrong_keys_are_rejected_but_not_quoted(monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    monkeypatch.setenv("OFFLOAD_API_KEYS", f"alice:{KEY}, bob={KEY}")
    message = refusal(host=host)
    assert "OFFLOAD_API_KEYS: entry 2: write name:KEY or name:sha256:HEX" in message
    assert len(message.splitlines()) == 1 + 1
    assert KEY not in message


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (None, "it can't be read (No such file or directory)"),
        ("# nobody yet", "there is no key; write name:KEY"),
        (f"alice:{KEY}\nbob", "line 2: write name:KEY"),
        (f"carol:{OTHER_KEY}", "a key of the file is also in OFFLOAD_API_KEYS"),
    ],
)
def test_a_wrong_keys_file_is_rejected(tmp_path: Path, content: str | None, told: str) -> None:
    file = tmp_path / "keys"
    if content is not None:
        file.write_text(content)
    message = refusal(api_keys=f"carol:{OTHER_KEY}", api_keys_file=file, host="192.0.2.1")
    assert f"OFFLOAD_API_KEYS_FILE={file}: {told}" in message
    assert len(message.splitlines()) == 1 + 1
    assert KEY not in message


def test_with_keys_any_address_is_allowed(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text(f"alice:{KEY}")
    for keys in ({"api_keys": f"alice:{KEY}"}, {"api_keys_file": tmp_path / "keys"}):
        settings = load_settings(host="192.0.2.1", **keys)
        assert not any("loopback" in warning for warning in warnings_about(settings))


def test_a_quota_without_keys_causes_a_warning() -> None:
    assert any("anonymous owner" in warning for warning in warnings_about(load_settings(owner_queue_limit=5)))
    keyed = load_settings(owner_queue_limit=5, api_keys=f"alice:{KEY}")
    assert not any("anonymous owner" in warning for warning in warnings_about(keyed))


@pytest.mark.parametrize("name", ["OFFLOAD_URL", "OFFLOAD_API_KEY", "OFFLOAD_KEY_FILE"])
def test_variables_of_clients_are_ignored(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "something")
    load_settings()


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.org", "localhost.example.org"])  # noqa: S104  # refused
def test_addresses_other_than_loopback_need_insecure(host: str) -> None:
    message = refusal(host=host)
    assert "OFFLOAD_API_KEYS=name:KEY" in message
    assert "OFFLOAD_HOST=127.0.0.1" in message
    assert "OFFLOAD_INSECURE=1" in message
    assert any("not loopback" in warning for warning in warnings_about(load_settings(host=host, insecure=True)))


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "localhost"])
def test_loopback_needs_no_other_setting(host: str) -> None:
    assert is_loopback(host)
    assert load_settings(host=host).host == host


def test_a_default_time_limit_over_the_maximum_is_rejected() -> None:
    assert "e.g. OFFLOAD_DEFAULT_TIMEOUT_S=60" in refusal(max_timeout_s=60)
    assert load_settings(max_timeout_s=60, default_timeout_s=60).default_timeout_s == 60


def test_a_data_directory_that_can_not_be_created_is_rejected(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert "file is not a directory" in refusal(data_dir=tmp_path / "file" / "data")


def test_a_data_directory_that_can_not_be_written_is_rejected(tmp_path: Path) -> None:
    """As another user where this one is root, whom no mode stops."""
    tmp_path.chmod(0o755)
    code = (
        "import os, sys; from pathlib import Path; from offload.server.settings_checks import _not_writable;"
        "os.geteuid() == 0 and os.setresuid(65534, 65534, 65534); print(_not_writable(Path(sys.argv[1])))"
    )
    (tmp_path / "locked").mkdir(mode=0o500)
    ran = subprocess.run(
        [sys.executable, "-c", code, tmp_path / "locked" / "data"],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2],
    )
    assert "can't be written" in ran.stdout


@pytest.mark.parametrize("place", [".", "uploads", "results", "run", "new"])
def test_a_files_directory_inside_the_data_directory_is_rejected(tmp_path: Path, place: str) -> None:
    assert "inside the data directory" in refusal(data_dir=tmp_path / "data", files_dir=tmp_path / "data" / place)


def test_a_files_directory_must_exist(tmp_path: Path) -> None:
    assert "write the path of an existing directory" in refusal(files_dir=tmp_path / "missing")
    assert load_settings(files_dir=tmp_path).files_dir == tmp_path


def test_a_files_directory_above_the_data_directory_causes_a_warning(tmp_path: Path) -> None:
    assert any(
        "file-digest can read its files" in warning for warning in warnings_about(load_settings(files_dir=tmp_path))
    )


def test_too_many_lanes_cause_a_warning() -> None:
    warnings = warnings_about(load_settings(lanes=100 * usable_cpus(), memory_mb=1 << 20))
    assert any("compete" in warning for warning in warnings)
    assert any("MiB of memory" in warning for warning in warnings)


def test_a_data_directory_in_memory_causes_a_warning() -> None:
    assert any("tmpfs" in warning for warning in warnings_about(load_settings(data_dir="/dev/shm/offload")))


def test_ordinary_settings_cause_no_warning(tmp_path: Path) -> None:
    assert warnings_about(load_settings(data_dir=tmp_path / "data", lanes=1, memory_mb=64)) == []
