"""Exit codes, and error messages of one or two lines that say what to do."""

import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.command import Command, Ended
from tests.support.keys import ALICE, ENTRIES
from tests.support.server import COMMAND, Server

NOBODY = "018f0000-0000-7000-8000-000000000000"


def refused(ended: Ended, code: int, *says: str) -> None:
    """Asserts the exit code, an empty stdout, and an error of one or two lines with these words."""
    assert (ended.code, ended.stdout) == (code, b""), ended
    assert 1 <= len(ended.stderr.splitlines()) <= 2, ended.stderr
    assert "Traceback" not in ended.stderr
    for each in says:
        assert each in ended.stderr


@pytest.fixture
def closed_port() -> Iterator[int]:
    """Returns a port without a listener."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        yield listener.getsockname()[1]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["sumbit"], ["submit"]),
        (["--", "sumbit"], ["submit"]),
        (["--", "--", "serve", "--lanes", "-1"], ["lanes"]),
        (["submit"], ["TASK", "offload submit --help"]),
        (["submit", "fibonacci", "n"], ["name=value"]),
        (["submit", "fibonacci", "--params", "{"], ["JSON"]),
        (["submit", "fibonacci", "n=@nowhere"], ["nowhere"]),
        (["submit", "fibonacci", "--priority", "high"], ["--priority"]),
        (["jobs", "--state", "done"], ["succeeded"]),
        (["jobs", "--since", "yesterday"], ["15m"]),
        (["jobs", "--url", "ftp://here"], ["http://127.0.0.1:8000"]),
        (["batch", "submit", "nowhere"], ["nowhere"]),
        (["show"], ["ID"]),
        (["show", ""], ["ID"]),
        (["watch", ".."], ["ID"]),
        (["submit", "."], ["TASK"]),
        (["submit", "fibonacci", "--params", "[1]"], ["object"]),
        (["submit", "fibonacci", "--params", '{"n": NaN}'], ["NaN"]),
        (["submit", "fibonacci", "n=1", "--idempotency-key", "a\nb"], ["can't be sent"]),
        (["submit", "fibonacci", "n=1", "--idempotency-key", "\xe9"], ["can't be sent"]),
        (["submit", "fibonacci", "n=1", "--label", "\udcff"], ["can't be sent"]),
        (["jobs", "--label", "\udcff"], ["can't be sent"]),
        (["jobs", "--batch", "\udcff"], ["can't be sent"]),
        (["show", "\udcff"], ["can't be sent"]),
        (["batch", "wait", "\udcff"], ["can't be sent"]),
        (["jobs", "--url", "http://a..b"], ["http://127.0.0.1:8000"]),
        (["jobs", "--url", "http://127.0.0.1:73536"], ["http://127.0.0.1:8000"]),
    ],
    ids=lambda given: ascii(" ".join(given)),
)
def test_wrong_usage(offload: Command, tmp_path: Path, arguments: list[str], says: list[str]) -> None:
    refused(offload(*arguments, cwd=tmp_path), 2, *says)


def test_a_command_without_its_subcommand_prints_the_help(offload: Command) -> None:
    ended = offload("batch")
    assert (ended.code, ended.stderr) == (2, "Try: offload batch --help\n")
    assert "manifest" in ended.out


@pytest.mark.parametrize("name", ["ALL_PROXY", "SSL_CERT_FILE"])
def test_an_unusable_environment_is_reported(offload: Command, name: str) -> None:
    value = {"ALL_PROXY": "socks5://127.0.0.1:1", "SSL_CERT_FILE": "/nowhere"}[name]
    refused(offload("jobs", "--url", "http://offload.invalid", environment={name: value}), 2, "--url")


@pytest.mark.parametrize("arguments", [["jobs"], ["submit", "fibonacci", "n=1"], ["digest", "-"], ["watch", NOBODY]])
def test_the_service_is_unreachable(offload: Command, arguments: list[str], closed_port: int) -> None:
    url = f"http://127.0.0.1:{closed_port}"
    refused(offload(*arguments, environment={"OFFLOAD_URL": url}), 3, url, "offload serve", "OFFLOAD_URL")
    refused(offload(*arguments, "--url", url), 3, url)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["submit", "fibonaci", "n=1"], ["fibonacci"]),
        (["submit", "fibonacci", "n=many"], ["n", "integer"]),
        (["submit", "fibonacci", "n=41", "algorithm=recursive"], ["at most 40"]),
        (["show", NOBODY], [NOBODY]),
        (["watch", NOBODY], [NOBODY]),
        (["cancel", NOBODY], [NOBODY]),
        (["result", NOBODY], [NOBODY]),
        (["batch", "wait", NOBODY], [NOBODY]),
    ],
    ids=" ".join,
)
def test_the_service_rejects(offload: Command, arguments: list[str], says: list[str]) -> None:
    refused(offload(*arguments), 4, *says)


def test_the_server_is_not_offload(offload: Command) -> None:
    """The server speaks another protocol."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        command = offload.begin("jobs", "--url", f"http://127.0.0.1:{other.getsockname()[1]}")
        caller, _ = other.accept()
        caller.recv(65536)
        caller.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 6\r\n\r\n<html>")
        caller.close()
        out, err = command.communicate(timeout=60)
    refused(Ended(command.returncode, out, err.decode()), 3, "not an Offload")


def test_some_of_several_are_rejected(offload: Command) -> None:
    job_id = offload("submit", "fibonacci", "n=1", "--wait", "--json").json()["id"]
    ended = offload("delete", NOBODY, job_id)
    assert (ended.code, NOBODY in ended.stderr) == (4, True)
    assert offload("show", job_id).code == 4


def test_no_command_prints_the_help(offload: Command) -> None:
    ended = offload()
    assert (ended.code, ended.stderr) == (2, "")
    for command in ("serve", "submit", "digest", "jobs", "batch"):
        assert command in ended.out
    assert offload("--help").out == ended.out
    assert offload("--version").line().startswith("offload ")


def test_a_closed_pipe_ends_the_command_silently(offload: Command) -> None:
    for _ in range(3):
        assert offload("submit", "fibonacci", "n=1").code == 0
    command = offload.begin("batch", "results", _batch(offload))
    assert command.stdout is not None
    assert command.stderr is not None
    command.stdout.read(10)
    command.stdout.close()
    assert command.stderr.read() == b""
    command.wait(60)
    command.stderr.close()


def _batch(offload: Command) -> str:
    lines = b'{"task": "blob", "params": {"size": 100000, "seed": 1}}\n' * 20
    return offload("batch", "submit", "-", "--wait", stdin=lines).line()


@pytest.mark.parametrize("body", [b'{"jobs": 1}', b'{"jobs": [], "labels": 1}', b'{"task": NaN}', b"[[", b"5", b""])
def test_an_invalid_batch(offload: Command, body: bytes) -> None:
    ended = offload("batch", "submit", "-", stdin=body)
    assert (ended.code in {2, 4}, len(ended.stderr.splitlines())) == (True, 2 if ended.code == 2 else 1), ended


@pytest.mark.parametrize("arguments", [["jobs", "--limit", "1"], ["result"], ["digest", "/proc/version"]])
def test_unwritable_output(offload: Command, arguments: list[str]) -> None:
    job_id = offload("submit", "fibonacci", "n=1", "--wait", "--json").json()["id"]
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [COMMAND, *arguments, *([job_id] if arguments == ["result"] else [])],
            env=offload.environment,
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert (done.returncode, done.stderr) == (1, b"offload: Can't write the output: No space left on device\n")


@pytest.mark.parametrize(
    ("closed", "arguments", "says"),
    [
        (">&-", ["stats"], b"offload: Can't write the output: Bad file descriptor\n"),
        (">&-", ["digest", "/proc/version"], b"offload: Can't write the output: Bad file descriptor\n"),
        ("<&-", ["digest"], b"offload: -: Bad file descriptor\n"),
        ("2>&-", ["digest", "nowhere"], b""),
    ],
)
def test_closed_standard_streams(offload: Command, closed: str, arguments: list[str], says: bytes) -> None:
    done = subprocess.run(
        ["sh", "-c", f'exec "$@" {closed}', "sh", COMMAND, *arguments],
        env=offload.environment,
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (1, b"", says)


def test_keys_come_from_the_environment_or_a_file(tmp_path: Path) -> None:
    with Server(tmp_path / "service", api_keys=ENTRIES) as server:
        url = str(server.api.http.base_url)
        (tmp_path / "key").write_text(f"{ALICE}\n")
        offload = Command(url)
        refused(offload("jobs"), 4, "OFFLOAD_API_KEY")
        assert offload("jobs", environment={"OFFLOAD_API_KEY": ALICE}).lines() == []
        assert offload("jobs", environment={"OFFLOAD_KEY_FILE": str(tmp_path / "key")}).lines() == []
        assert offload("jobs", environment={"OFFLOAD_API_KEY": ALICE, "OFFLOAD_KEY_FILE": "/nowhere"}).lines() == []
        refused(offload("jobs", environment={"OFFLOAD_KEY_FILE": str(tmp_path / "none")}), 2, "OFFLOAD_KEY_FILE")
