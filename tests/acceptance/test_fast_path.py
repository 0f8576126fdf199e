"""The fast path of submit and poll returns the same responses as the normal path.

A request that has a header twice takes the normal path (see `offload.api.transport.fast_path`); nothing else differs.
"""

import json
import re
from typing import Any

import pytest

from tests.support import wire
from tests.support.server import Server
from tests.support.wire import Answer, answers, exchange, only

LONG = b"\r\nX-Twice: 1\r\nX-Twice: 2"

VOLATILE = {"id", "links", "created_at", "started_at", "finished_at", "usage", "state", "attempt", "position", "result"}
"""Members that differ between two jobs, or change with time."""


def request(line: str, body: bytes = b"", *headers: str) -> bytes:
    """A request by itself on its connection."""
    length = [f"Content-Length: {len(body)}"] if body else []
    return wire.request(line, "Connection: close", *headers, *length, body=body)


JSON = "Content-Type: application/json"

SUBMISSIONS = {
    "accepted": request("POST /jobs/greet", b'{"name": "you"}', JSON),
    "with options": request("POST /jobs/greet?priority=3&label=a&label=b&timeout_s=9", b'{"name": "you"}', JSON),
    "waited for": request("POST /jobs/greet", b'{"name": "you"}', JSON, "Prefer: wait=20"),
    "a wrong preference": request("POST /jobs/greet", b'{"name": "you"}', JSON, "Prefer: wait=soon"),
    "a wrong option": request("POST /jobs/greet?priority=1000", b'{"name": "you"}', JSON),
    "an unknown option": request("POST /jobs/greet?prio=1", b'{"name": "you"}', JSON),
    "wrong parameters": request("POST /jobs/greet", b'{"nam": 3}', JSON),
    "a name twice": request("POST /jobs/greet", b'{"name": "a", "name": "b"}', JSON),
    "no JSON": request("POST /jobs/greet", b'{"name": ', JSON),
    "nothing": request("POST /jobs/greet", b"", JSON, "Content-Length: 0"),
    "no type": request("POST /jobs/greet", b'{"name": "you"}'),
    "another type": request("POST /jobs/greet", b'{"name": "you"}', "Content-Type: text/plain"),
    "a type with a parameter": request("POST /jobs/greet", b'{"name": "you"}', JSON + "; charset=utf-8"),
    "a compressed body": request("POST /jobs/greet", b'{"name": "you"}', JSON, "Content-Encoding: gzip"),
    "too large": request("POST /jobs/greet", b'{"name": "' + bytes(2 << 20) + b'"}', JSON),
    "a wrong key": request("POST /jobs/greet", b'{"name": "you"}', JSON, "Idempotency-Key: a b"),
    "too expensive": request("POST /jobs/fibonacci", b'{"n": 1000000000}', JSON),
    "an unknown task": request("POST /jobs/great", b'{"name": "you"}', JSON),
    "of another site": request("POST /jobs/greet", b'{"name": "you"}', JSON, "Sec-Fetch-Site: cross-site"),
    "an unknown job": request("GET /jobs/01890000-0000-7000-8000-000000000000"),
    "no id": request("GET /jobs/"),
    "an id that is none": request("GET /jobs/%2e%2e"),
}


def ask(server: Server, sent: bytes) -> Answer:
    return only(exchange(server, sent))


def by_the_long_way(sent: bytes) -> bytes:
    head, gap, body = sent.partition(b"\r\n\r\n")
    return head + LONG + gap + body


def essence(answer: Answer) -> tuple[int, dict[str, str], Any]:
    """What does not change from one moment, or one job, to the next."""
    headers = {name: value for name, value in answer.headers.items() if name not in {"date", "etag", "content-length"}}
    if "location" in headers:
        headers["location"] = re.sub("[0-9a-f-]{36}", "ID", headers["location"])
    told = json.loads(answer.body) if answer.body else None
    return answer.status, headers, {name: value for name, value in (told or {}).items() if name not in VOLATILE}


@pytest.mark.parametrize("sent", SUBMISSIONS.values(), ids=SUBMISSIONS.keys())
def test_both_paths_return_the_same_response(server: Server, sent: bytes) -> None:
    short, long = ask(server, sent), ask(server, by_the_long_way(sent))
    assert essence(short) == essence(long)
    assert short.headers.keys() == long.headers.keys()


def test_both_paths_show_the_same_job(server: Server) -> None:
    job_id = server.api.succeeded(server.api.submit("greet", {"name": "you"})["id"])["id"]
    for headers in ([], ["If-None-Match: *"], ['If-None-Match: "other"']):
        for query in ("", "?wait=1", "?wait=x"):
            sent = request(f"GET /jobs/{job_id}{query}", b"", *headers)
            short, long = ask(server, sent), ask(server, by_the_long_way(sent))
            assert (short.status, short.body) == (long.status, long.body)
            assert short.headers | {"date": ""} == long.headers | {"date": ""}


def test_one_key_is_one_job_on_both_paths(server: Server) -> None:
    sent = request("POST /jobs/greet", b'{"name": "you"}', JSON, "Idempotency-Key: both-ways")
    first, again = ask(server, sent), ask(server, by_the_long_way(sent))
    assert first.json["id"] == again.json["id"]
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"


def test_pipelined_requests_are_answered_in_order(server: Server) -> None:
    job_id = server.api.submit("greet", {"name": "you"})["id"]
    poll = f"GET /jobs/{job_id} HTTP/1.1\r\nHost: x\r\n\r\n".encode()
    body = b'{"name": "you"}'
    submit = f"POST /jobs/greet HTTP/1.1\r\nHost: x\r\n{JSON}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
    live = b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n"
    got = answers(exchange(server, poll + submit + live + submit + poll + request("GET /health/live")))
    assert [answer.status for answer in got] == [200, 202, 200, 202, 200, 200]
    assert got[0].json["id"] == got[4].json["id"] == job_id
    assert got[1].json["id"] != got[3].json["id"]


def test_a_body_can_arrive_in_pieces(server: Server) -> None:
    head, gap, body = SUBMISSIONS["accepted"].partition(b"\r\n\r\n")
    answer = only(exchange(server, [head + gap, body[:3], body[3:]]))
    assert answer.status == 202
    assert answer.json["params"] == {"name": "you"}
