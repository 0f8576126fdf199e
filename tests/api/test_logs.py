"""`GET /jobs/{id}/logs`, over files as lanes write them."""

import json
from pathlib import Path

import pytest

from offload.wire.attempt_files import log_names
from offload.worker.output.log_writer import FILE_BYTES, LogWriter
from tests.support.api_server import ApiServer, api_server
from tests.support.keys import bearer
from tests.support.problems import problem

pytestmark = pytest.mark.anyio

ALICE, BOB = "alice-0123456789abcdef", "bobby-0123456789abcdef"


def logs_of(server: ApiServer) -> Path:
    return server.state.settings.data_dir / "logs"


def say(server: ApiServer, job_id: str, *texts: str, attempt: int = 1) -> None:
    """What an attempt prints."""
    book = LogWriter(logs_of(server))
    book.begin(job_id, attempt)
    for text in texts:
        book.write(text, stream="stdout")
    book.end()


async def submitted(server: ApiServer) -> str:
    job_id: str = (await server.client.post("/jobs/fibonacci", json={"n": 1})).json()["id"]
    return job_id


async def test_nothing_where_nothing_was_said(server: ApiServer) -> None:
    job = await submitted(server)
    answer = await server.client.get(f"/jobs/{job}/logs")
    assert (answer.status_code, answer.text) == (200, "")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_the_job_leads_there(server: ApiServer) -> None:
    job = (await server.client.post("/jobs/fibonacci", json={"n": 1})).json()
    say(server, job["id"], "hello")
    assert "hello" in (await server.client.get(job["links"]["logs"])).text


async def test_text_is_a_line_each_with_time_attempt_and_source(server: ApiServer) -> None:
    job = await submitted(server)
    book = LogWriter(logs_of(server))
    book.begin(job, 1)
    book.write("a", stream="stderr")
    book.write("b", level="warning", logger="mine")
    lines = (await server.client.get(f"/jobs/{job}/logs")).text.splitlines()
    assert [line.split(" ", 1)[1] for line in lines] == ["[1] stderr: a", "[1] warning mine: b"]
    assert all(line[:2] == "20" and line.split(" ")[0].endswith("Z") for line in lines)


async def test_records_on_request(server: ApiServer) -> None:
    job = await submitted(server)
    say(server, job, "naïve\u2028\x85\x00")
    answer = await server.client.get(f"/jobs/{job}/logs", headers={"Accept": "application/jsonl"})
    assert answer.headers["content-type"] == "application/jsonl"
    (record,) = [json.loads(line) for line in answer.iter_lines()]  # many clients end lines where Unicode does
    assert record.pop("at").endswith("Z")
    text = "naïve\u2028\x85\x00"
    source = {"attempt": 1, "stream": "stdout", "level": None, "logger": None}
    assert record == {**source, "text": text, "unfinished": False}


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        (["application/jsonl"], "application/jsonl"),
        (["Application/JSONL; charset=utf-8"], "application/jsonl"),
        (["text/plain;q=0.5,application/jsonl"], "application/jsonl"),
        (["text/plain;q=0.5", "application/jsonl"], "application/jsonl"),
        (["application/jsonl;q=0.000"], "text/plain; charset=utf-8"),
        (["application/jsonlines"], "text/plain; charset=utf-8"),
        (["*/*"], "text/plain; charset=utf-8"),
    ],
)
async def test_records_are_asked_for_by_their_media_type(server: ApiServer, accept: list[str], kind: str) -> None:
    job = await submitted(server)
    answer = await server.client.get(f"/jobs/{job}/logs", headers=[("Accept", each) for each in accept])
    assert answer.headers["content-type"] == kind


async def test_text_has_an_unfinished_line_once_it_stays_as_it_is(server: ApiServer) -> None:
    job = await submitted(server)
    await server.engine.running(job)
    book = LogWriter(logs_of(server))
    book.begin(job, 1)
    for bar in ("\r10 %", "\r20 %"):
        book.write(bar, stream="stderr", unfinished=True)
    book.write("half", stream="stdout")

    async def told() -> list[str]:
        lines = (await server.client.get(f"/jobs/{job}/logs")).text.splitlines()
        return [line.rpartition(": ")[2] for line in lines]

    assert await told() == ["half"]
    records = (await server.client.get(f"/jobs/{job}/logs", headers={"Accept": "application/jsonl"})).text.splitlines()
    assert [(json.loads(record)["text"], json.loads(record)["unfinished"]) for record in records] == [
        ("half", False),
        ("20 %", True),
    ]
    await server.engine.end(job)
    await server.client.get(f"/jobs/{job}?wait=10")
    assert await told() == ["half", "20 %"]


async def test_text_is_harmless_in_a_terminal_and_forges_no_line(server: ApiServer) -> None:
    job = await submitted(server)
    turned = "a\u2028b\u202ec\u2067d\u2069e\u200ff\u061cg"
    book = LogWriter(logs_of(server))
    book.begin(job, 1)
    book.write("\x1b[2Jgone\r\x07\x9b", level="info", logger="mine")
    say(server, job, "one\n2026-11-22T09:00:00Z [1] stdout: forged", "tab\there", turned)
    text = (await server.client.get(f"/jobs/{job}/logs")).text
    assert "a\\u2028b\\u202ec\\u2067d\\u2069e\\u200ff\\u061cg" in text
    assert "\\x1b[2Jgone\\r\\x07\\x9b\n" in text
    assert "one\n    2026" in text
    assert "tab\there" in text


async def test_attempts_one_after_the_other_or_one_of_them(server: ApiServer) -> None:
    job = await submitted(server)
    say(server, job, "second", attempt=2)
    say(server, job, "first", attempt=1)

    async def texts(query: str = "") -> list[str]:
        return [
            line.rpartition(": ")[2] for line in (await server.client.get(f"/jobs/{job}/logs{query}")).text.splitlines()
        ]

    assert await texts() == ["first", "second"]
    assert await texts("?attempt=2") == ["second"]
    assert await texts("?attempt=3") == []
    for wrong in ("0", "11", "x", "1_0", ""):
        problem(await server.client.get(f"/jobs/{job}/logs?attempt={wrong}"), 422, "invalid-parameters")
    problem(await server.client.get(f"/jobs/{job}/logs?attempts=1"), 422, "invalid-parameters")


async def test_what_was_cut_short_is_left_out(server: ApiServer) -> None:
    job = await submitted(server)
    say(server, job, "whole", "cut")
    file = logs_of(server) / log_names(job, 1)[1]
    file.write_bytes(b'\xff\n[1]\n{"at": 1}\n' + file.read_bytes()[:-5])
    lines = (await server.client.get(f"/jobs/{job}/logs")).text.splitlines()
    assert [line.rpartition(": ")[2] for line in lines] == ["whole"]


async def test_the_old_file_comes_first(server: ApiServer) -> None:
    job = await submitted(server)
    texts = [f"{number} {'x' * 1000}" for number in range(3 * FILE_BYTES // 1000)]
    say(server, job, *texts)
    lines = (await server.client.get(f"/jobs/{job}/logs")).text.splitlines()
    assert FILE_BYTES // 1200 < len(lines) < len(texts)
    assert [line.rpartition(": ")[2] for line in lines] == texts[-len(lines) :]


async def test_only_for_the_owner(tmp_path: Path) -> None:
    async with api_server(tmp_path, api_keys=f"alice:{ALICE},bob:{BOB}") as server:
        job = (await server.client.post("/jobs/fibonacci", json={"n": 1}, headers=bearer(ALICE))).json()["id"]
        say(server, job, "secret")
        assert "secret" in (await server.client.get(f"/jobs/{job}/logs", headers=bearer(ALICE))).text
        problem(await server.client.get(f"/jobs/{job}/logs", headers=bearer(BOB)), 404, "job-not-found")
        problem(await server.client.get(f"/jobs/{job}/logs"), 401, "unauthorized")


async def test_unknown_and_head(server: ApiServer) -> None:
    problem(await server.client.get("/jobs/../../etc/passwd/logs"), 404, "not-found")
    problem(await server.client.get("/jobs/nothing/logs"), 404, "job-not-found")
    job = await submitted(server)
    say(server, job, "hello")
    head = await server.client.head(f"/jobs/{job}/logs")
    assert (head.status_code, head.content) == (200, b"")


async def test_deleted_with_the_job(server: ApiServer) -> None:
    job = await submitted(server)
    await server.engine.end(job)
    await server.client.get(f"/jobs/{job}?wait=10")
    for attempt in (1, 2):
        say(server, job, *(["x" * 1000] * (FILE_BYTES // 1000 + 1)), attempt=attempt)
    assert len(list(logs_of(server).iterdir())) == 4
    assert (await server.client.delete(f"/jobs/{job}")).status_code == 204
    assert list(logs_of(server).iterdir()) == []
