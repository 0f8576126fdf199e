"""`offload batch …`."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.support.caller import Caller
from tests.support.command import Command
from tests.support.server import Server

LINES = b"".join(b'{"task": "fibonacci", "params": {"n": %d}}\n' % n for n in (10, 11, 12))


@pytest.mark.parametrize(
    "given",
    [LINES, b'{"jobs": [%s]}' % LINES.replace(b"\n", b",")[:-1], b"[%s]" % LINES.replace(b"\n", b",")[:-1]],
    ids=["lines", "body", "list"],
)
def test_submit_reads_json_lines_and_the_body_of_the_api(offload: Command, api: Caller, given: bytes) -> None:
    batch_id = offload("batch", "submit", "-", "--label", "few", "--wait", stdin=given).line()
    lines = [json.loads(line) for line in offload("batch", "results", batch_id).lines()]
    assert [line["result"]["value"] for line in lines] == ["55", "89", "144"]
    assert api.get(f"/batches/{batch_id}")["labels"] == ["few"]


def test_only_newlines_end_a_json_line(offload: Command, api: Caller) -> None:
    """JSON strings may contain other Unicode line separators; a byte order mark is accepted, too."""
    names = ["a\u2028b\x85c\x7f", "d"]
    lines = [json.dumps({"task": "greet", "params": {"name": name}}, ensure_ascii=False) for name in names]
    batch_id = offload(
        "batch", "submit", "-", "--wait", stdin="\r\n".join(["\ufeff" + lines[0], lines[1]]).encode()
    ).line()
    results = api.http.get(f"/batches/{batch_id}/results").content.splitlines()
    assert [json.loads(result)["result"]["lines"] for result in results] == [[f"Hello, {name}!"] for name in names]


def test_a_bad_line_is_named(offload: Command, tmp_path: Path) -> None:
    (tmp_path / "jobs.jsonl").write_bytes(LINES + b"{\n")
    ended = offload("batch", "submit", "jobs.jsonl", cwd=tmp_path)
    assert (ended.code, "Line 4" in ended.stderr) == (2, True)
    ended = offload("batch", "submit", "-", stdin=LINES + b'{"task": "fibonacci", "params": {"n": -1}}\n')
    assert (ended.code, "jobs.3" in ended.stderr) == (4, True), ended


def test_a_failed_job_is_reported(offload: Command) -> None:
    bad = b'{"task": "refuse", "params": {"text": "it"}}\n'
    batch_id = offload("batch", "submit", "-", stdin=LINES + bad).line()
    ended = offload("batch", "wait", batch_id)
    assert ended.code == 1
    assert "1 of 4 jobs failed" in ended.stderr
    assert f"offload jobs --batch {batch_id} --state failed" in ended.stderr
    listed = offload("jobs", "--batch", batch_id, "--state", "failed").lines()
    assert len(listed) == 1


def test_shown_listed_and_deleted(offload: Command, api: Caller) -> None:
    batch_id = offload("batch", "submit", "-", "--wait", stdin=LINES).line()
    assert offload("batch", "show", batch_id, "--json").json() == api.get(f"/batches/{batch_id}")
    assert offload("show", batch_id, "--json").json() == api.get(f"/batches/{batch_id}")
    told = dict(line.split("\t") for line in offload("show", batch_id).lines())
    assert (told["id"], told["jobs"]) == (batch_id, "3 succeeded")
    listed = offload("batch", "list", "--limit", "1").line().split("\t")
    assert listed[:8] == [batch_id, "3", "3", "0", "0", "3", "0", "0"]
    with offload.terminal("batch", "list") as terminal:
        assert terminal.end() == 0
    assert batch_id in terminal.text
    with offload.terminal("show", batch_id) as terminal:
        assert terminal.end() == 0
    assert "100%" in terminal.text
    assert offload("batch", "delete", batch_id).lines() == []
    assert offload("batch", "show", batch_id).code == 4


def test_cancelled(offload: Command, gate: Path) -> None:
    member = json.dumps({"task": "hold", "params": {"gate": str(gate)}}).encode() + b"\n"
    batch_id = offload("batch", "submit", "-", stdin=member * 5).line()
    assert offload("batch", "cancel", batch_id, "--json").json()["counts"]["cancelled"] == 5
    assert offload("batch", "wait", batch_id).code == 1


def test_waiting_shows_a_progress_bar(offload: Command) -> None:
    member = b'{"task": "climb", "params": {"steps": 100}}\n'
    batch_id = offload("batch", "submit", "-", stdin=member * 4).line()
    with offload.terminal("batch", "wait", batch_id) as terminal:
        terminal.until("of 4 jobs")
        assert terminal.end() == 0
    assert "4 succeeded" in terminal.text


def test_files_of_the_service(offload: Command, server: Server) -> None:
    directory = server.files_dir / "odd"
    directory.mkdir()
    for name in ("one", "two words", "new\nline", "\udcff", "other\u2028li\x0bnes\x85"):
        (directory / name).write_text(name, errors="surrogateescape")
    batch_id = offload("batch", "files", "odd/*", "--wait").line()
    manifest = offload("batch", "manifest", batch_id)
    sums = subprocess.run(
        ["sha256sum", "-c"], input=manifest.stdout, cwd=server.files_dir, capture_output=True, check=False
    )
    assert (sums.returncode, sums.stdout.count(b": OK\n")) == (0, 5)
    ended = offload("batch", "verify", "-", "--wait", stdin=manifest.stdout)
    assert (ended.code, sorted(ended.stdout.splitlines())) == (0, sorted(sums.stdout.splitlines()))
    (directory / "one").write_text("changed")
    ended = offload("batch", "verify", "-", "--wait", stdin=manifest.stdout)
    assert ended.code == 1
    assert b"odd/one: FAILED\n" in ended.stdout
