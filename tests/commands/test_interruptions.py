"""Ctrl-C, a service that is killed while a command waits, and control sequences in text."""

import json
import os
import select
import signal
import socket
from pathlib import Path

import pytest

from tests.support.caller import Caller
from tests.support.command import Command
from tests.support.server import Server
from tests.support.spool import arrived
from tests.support.waiting import until_sync

HOSTILE = "\x1b]0;owned\x07\x1b[2J\x1b[31mred\x9b31m\u202egnp.exe\u200f\u061c\u2067[bold]x[/bold]"


def test_ctrl_c_leaves_the_job_running(offload: Command, api: Caller, gate: Path) -> None:
    with offload.terminal("submit", "count", f"gate={gate}", "--wait") as terminal:
        terminal.until("of 1,000,000")
        terminal.interrupt()
        assert terminal.end() == 130
    (job,) = api.get("/jobs", state="running")["jobs"]
    assert f"offload watch {job['id']}" in terminal.text
    assert f"offload cancel {job['id']}" in terminal.text
    assert "Traceback" not in terminal.text
    gate.touch()
    api.succeeded(job["id"])


def test_ctrl_c_leaves_the_batch_running(offload: Command, api: Caller, gate: Path) -> None:
    member = json.dumps({"task": "hold", "params": {"gate": str(gate)}}).encode()
    batch_id = offload("batch", "submit", "-", stdin=member).line()
    command = offload.begin("batch", "wait", batch_id)
    until_sync(lambda: api.get("/jobs", batch=batch_id)["jobs"][0]["state"] == "running")
    with offload.terminal("batch", "wait", batch_id) as terminal:
        terminal.until("0 of 1 job")
        terminal.interrupt()
        assert terminal.end() == 130
    assert f"offload batch cancel {batch_id}" in terminal.text
    gate.touch()
    out, err = command.communicate(timeout=60)
    assert (command.returncode, out.decode(), err) == (0, f"{batch_id}\n", b"")


def test_ctrl_c_while_watching(offload: Command, api: Caller, gate: Path) -> None:
    job = api.submit("count", {"gate": str(gate)})
    for arguments, shows in ([job["id"]], "progress"), ([], "running"):
        with offload.terminal("watch", *arguments) as terminal:
            terminal.until(shows)
            terminal.interrupt()
            assert terminal.end() == 130
        assert "Traceback" not in terminal.text
    gate.touch()
    api.succeeded(job["id"])


def test_an_interrupted_digest_leaves_nothing(offload: Command, api: Caller, server: Server, tmp_path: Path) -> None:
    (tmp_path / "small").write_bytes(b"small")
    with (tmp_path / "large").open("wb") as file:
        file.truncate(4 << 30)
    spool = server.data_dir / "uploads"
    with offload.terminal("digest", "small", "large", cwd=tmp_path) as terminal:
        until_sync(lambda: arrived(server) > 1 << 26, what="some of it to arrive")
        terminal.interrupt()
        assert terminal.end() == 130
    assert "Traceback" not in terminal.text
    until_sync(lambda: not list(spool.iterdir()), what="the uploads to go")
    assert "file-digest" not in {job["task"] for job in api.get("/jobs")["jobs"]}


def test_ctrl_c_while_a_digest_waits_for_input(offload: Command, server: Server, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    writer = os.open(tmp_path / "pipe", os.O_RDWR)  # so that it opens, and never ends
    try:
        for arguments in ["digest"], ["digest", "pipe"]:
            with offload.terminal(*arguments, cwd=tmp_path) as terminal:
                until_sync(lambda: list((server.data_dir / "uploads").iterdir()), what="the upload to begin")
                terminal.interrupt()
                assert terminal.end(within=20) == 130
            assert "Traceback" not in terminal.text
    finally:
        os.close(writer)


def test_watching_in_a_pipe_prints_a_line_per_change(offload: Command, api: Caller, gate: Path) -> None:
    job = api.submit("hold", {"gate": str(gate)})
    command = offload.begin("watch", job["id"])
    assert command.stdout is not None
    until_sync(lambda: api.job(job["id"])["state"] == "running")
    ready, _, _ = select.select([command.stdout], [], [], 30)
    assert ready, "nothing is written before the end"
    gate.touch()
    out, err = command.communicate(timeout=60)
    states = [line.split("\t")[2] for line in out.decode().splitlines()]
    assert (command.returncode, states[-1], err) == (0, "succeeded", b"")
    assert [json.loads(line)["id"] for line in offload("watch", job["id"], "--json").lines()] == [job["id"]]


def test_watching_a_batch(offload: Command) -> None:
    lines = b'{"task": "fibonacci", "params": {"n": 5}}\n{"task": "refuse", "params": {"text": ""}}\n'
    batch_id = offload("batch", "submit", "-", stdin=lines).line()
    ended = offload("watch", batch_id)
    assert ended.code == 1
    assert ended.out.splitlines()[-1].split("\t")[:8] == [batch_id, "2", "2", "0", "0", "1", "1", "0"]


def test_watching_everything_in_a_pipe(offload: Command, api: Caller) -> None:
    command = offload.begin("watch")
    assert command.stdout is not None
    assert command.stderr is not None
    stdout = command.stdout

    def told() -> bool:
        """The stream starts when it is connected, so jobs must keep changing."""
        api.succeeded(api.submit("fibonacci", {"n": 7})["id"])
        return bool(select.select([stdout], [], [], 0)[0])

    until_sync(told, within=30)
    assert command.stdout.readline().split(b"\t")[1] == b"fibonacci"
    command.send_signal(signal.SIGINT)
    assert command.wait(30) == 130
    assert b"Traceback" not in command.stderr.read()
    command.stdout.close()
    command.stderr.close()


def test_waiting_survives_a_killed_service(tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    with Server(tmp_path / "service", port=_free_port()) as server:
        offload = Command(str(server.api.http.base_url))
        with offload.terminal("submit", "hold", f"gate={gate}", "--wait") as terminal:
            terminal.until("running")
            server.kill()
            server.start()
            gate.touch()
            assert terminal.end() == 0
        (job,) = server.api.get("/jobs")["jobs"]
        assert terminal.text.split()[-1] == str(server.api.result(job["id"]))


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


@pytest.mark.parametrize("commands", [["jobs", "--label", HOSTILE], ["show"], ["result"], ["watch"]])
def test_hostile_text_never_reaches_a_terminal(offload: Command, api: Caller, commands: list[str]) -> None:
    job = api.succeeded(api.submit("greet", {"name": HOSTILE}, label=HOSTILE)["id"])
    arguments = commands if commands[0] == "jobs" else [*commands, job["id"]]
    with offload.terminal(*arguments) as terminal:
        assert terminal.end() == 0
    for each in (b"\x1b]", b"\x1b[2J", b"\x07", *(each.encode() for each in "\x9b\u202e\u200f\u061c\u2067")):
        assert each not in terminal.raw
    assert "[bold]" in terminal.text or commands[0] == "jobs"


def test_a_hostile_error_is_escaped(offload: Command) -> None:
    ended = offload("submit", "refuse", f"text={HOSTILE}", "--wait")
    assert ended.code == 1
    assert "\x1b" not in ended.stderr
    assert "\\u001b[31mred" in ended.stderr
