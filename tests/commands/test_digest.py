"""`offload digest` compared with the tools whose output it reproduces."""

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.support.caller import Caller
from tests.support.command import Command, Ended
from tests.support.server import COMMAND, Server

CONTENTS = {
    b"plain.txt": b"plain",
    b"two words": b"two",
    b" leading": b"lead",
    b"new\nline": b"newline",
    b"carriage\rreturn": b"cr",
    b"back\\slash": b"backslash",
    b"not utf-8 \xff\xfe": b"bytes",
    b"\xc3\xbcml\xc3\xa4ut": b"umlaut",
    b"\x1b[31mred": b"red",
    b"empty": b"",
    b"--option": b"option",
    b"large": bytes(3_000_000),
}


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """Creates files with difficult names."""
    for name, content in CONTENTS.items():
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name)).write_bytes(content)
    return tmp_path


def tool(*command: str | bytes, cwd: Path, stdin: bytes = b"") -> Ended:
    """Runs the real tool."""
    done = subprocess.run(command, cwd=cwd, input=stdin, capture_output=True, check=False)
    return Ended(done.returncode, done.stdout, done.stderr.decode(errors="replace"))


def stderr_lines(ended: Ended) -> Sequence[str]:
    """Returns the lines of stderr without the program's name, sorted: the real tool reports unreadable files first."""
    return sorted(line.partition(": ")[2] for line in ended.stderr.splitlines())


@pytest.mark.parametrize("options", [[], ["--tag"], ["--zero"], ["--tag", "--zero"]])
def test_output_equals_sha256sum(offload: Command, files: Path, options: list[str]) -> None:
    ours = offload("digest", *options, "--", *CONTENTS, cwd=files)
    theirs = tool("sha256sum", *options, "--", *CONTENTS, cwd=files)
    assert (ours.code, ours.stdout, ours.stderr) == (0, theirs.stdout, "")


@pytest.mark.parametrize(
    ("algorithm", "command"), [("sha512", "sha512sum"), ("md5", "md5sum"), ("blake2b", "b2sum"), ("blake3", "b3sum")]
)
def test_output_equals_the_tool_of_each_algorithm(
    offload: Command, tmp_path: Path, algorithm: str, command: str
) -> None:
    (tmp_path / "a").write_bytes(b"a")
    assert offload("digest", "-a", algorithm, "a", cwd=tmp_path).stdout == tool(command, "a", cwd=tmp_path).stdout


def test_several_algorithms_use_bsd_lines(offload: Command, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"a")
    ours = offload("digest", "-a", "sha256", "-a", "md5", "a", cwd=tmp_path)
    both = (tool(command, "--tag", "a", cwd=tmp_path).stdout for command in ("sha256sum", "md5sum"))
    assert ours.stdout == b"".join(both)


@pytest.mark.parametrize("given", [[], ["-"]])
def test_stdin(offload: Command, tmp_path: Path, given: list[str]) -> None:
    ours = offload("digest", *given, stdin=b"from a pipe", cwd=tmp_path)
    assert ours.stdout == tool("sha256sum", *given, stdin=b"from a pipe", cwd=tmp_path).stdout


def test_a_file_without_a_size(offload: Command, tmp_path: Path) -> None:
    """Files in /proc have no size."""
    ours, theirs = offload("digest", "/proc/version", cwd=tmp_path), tool("sha256sum", "/proc/version", cwd=tmp_path)
    assert (ours.code, ours.stdout) == (0, theirs.stdout)
    with Path("/proc/version").open("rb") as kernels:
        done = subprocess.run(
            [COMMAND, "digest"], stdin=kernels, env=offload.environment, capture_output=True, check=False
        )
    assert (done.returncode, done.stdout) == (0, theirs.stdout.replace(b"/proc/version", b"-"))


def test_unreadable_files_are_reported_and_the_rest_is_digested(offload: Command, files: Path) -> None:
    names = ["plain.txt", "not there", ".", "", "plain.txt/", "empty"]
    ours, theirs = offload("digest", *names, cwd=files), tool("sha256sum", *names, cwd=files)
    assert (ours.code, ours.stdout, stderr_lines(ours)) == (1, theirs.stdout, stderr_lines(theirs))


def test_a_file_over_the_limit_is_reported_and_the_rest_is_digested(tmp_path: Path) -> None:
    (tmp_path / "large").write_bytes(bytes((1 << 20) + 1))
    (tmp_path / "small").write_bytes(b"small")
    with Server(tmp_path / "service", upload_max_mb=1) as server:
        ours = Command(server.url)("digest", "large", "small", cwd=tmp_path)
    assert (ours.code, ours.stdout) == (1, tool("sha256sum", "small", cwd=tmp_path).stdout)
    assert ours.stderr.startswith("offload: large: ")


def test_many_files_keep_their_order(offload: Command, tmp_path: Path) -> None:
    names = [f"{number:04}" for number in range(1200)]
    for name in names:
        (tmp_path / name).write_text(name)
    assert offload("digest", *names, cwd=tmp_path).stdout == tool("sha256sum", *names, cwd=tmp_path).stdout


def test_nothing_remains_on_the_service(offload: Command, api: Caller, tmp_path: Path) -> None:
    """No jobs and no batches. `test_an_interrupted_digest_leaves_nothing` checks the uploads directory."""
    (tmp_path / "a").write_bytes(b"a")
    jobs, batches = api.get("/jobs"), api.get("/batches")
    assert offload("digest", "a", cwd=tmp_path).code == 0
    assert (api.get("/jobs"), api.get("/batches")) == (jobs, batches)


@pytest.mark.parametrize("options", [[], ["--quiet"], ["--status"]])
def test_check_equals_sha256sum_check(offload: Command, files: Path, options: list[str]) -> None:
    sums = tool("sha256sum", "--", *CONTENTS, cwd=files).stdout
    (files / "SUMS").write_bytes(b"# a comment\n" + sums + b"no sum\n" + b"0" * 64 + b"  gone\n")
    (files / "plain.txt").write_text("changed")
    ours = offload("digest", "--check", *options, "SUMS", cwd=files)
    theirs = tool("sha256sum", "--check", *options, "SUMS", cwd=files)
    assert (ours.code, ours.stdout, stderr_lines(ours)) == (theirs.code, theirs.stdout, stderr_lines(theirs))
    assert ours.code == 1


def test_matching_files_exit_with_0(offload: Command, files: Path) -> None:
    for command in ("sha256sum", "b3sum"):
        (files / "SUMS").write_bytes(tool(command, "plain.txt", "empty", cwd=files).stdout)
        algorithm = ["-a", "blake3"] if command == "b3sum" else []
        ours = offload("digest", "-c", *algorithm, "SUMS", cwd=files)
        assert (ours.code, ours.out) == (0, "plain.txt: OK\nempty: OK\n"), ours


def test_bsd_lines_name_their_algorithm(offload: Command, files: Path) -> None:
    tagged = (
        tool("sha512sum", "--tag", "plain.txt", cwd=files).stdout + tool("md5sum", "--tag", "empty", cwd=files).stdout
    )
    assert offload("digest", "--check", stdin=tagged, cwd=files).lines() == ["plain.txt: OK", "empty: OK"]


def test_a_manifest_without_lines(offload: Command, files: Path) -> None:
    ours, theirs = offload("digest", "-c", "plain.txt", cwd=files), tool("sha256sum", "-c", "plain.txt", cwd=files)
    assert (ours.code, ours.stdout, stderr_lines(ours)) == (1, theirs.stdout, stderr_lines(theirs))


def test_unreadable_manifests_are_reported_and_the_rest_is_checked(offload: Command, files: Path) -> None:
    (files / "SUMS").write_bytes(tool("sha256sum", "plain.txt", cwd=files).stdout)
    ours = offload("digest", "-c", "SUMS", "not there", "SUMS", cwd=files)
    theirs = tool("sha256sum", "-c", "SUMS", "not there", "SUMS", cwd=files)
    assert (ours.code, ours.stdout, stderr_lines(ours)) == (1, theirs.stdout, stderr_lines(theirs))
    assert (offload("digest", "-c", ".", cwd=files).code, tool("sha256sum", "-c", ".", cwd=files).code) == (1, 1)


def test_names_are_escaped_on_a_terminal(offload: Command, files: Path) -> None:
    with offload.terminal("digest", b"\x1b[31mred", "large", cwd=files) as terminal:
        assert terminal.end() == 0
    assert "  \\u001b[31mred\n" in terminal.text
    assert "[31mred" not in terminal.raw.decode().replace("\\u001b[31mred", "")


def test_an_unknown_algorithm_is_wrong_usage(offload: Command) -> None:
    ended = offload("digest", "-a", "sha257", "x")
    assert ended.code == 2
    assert "sha256" in ended.stderr
