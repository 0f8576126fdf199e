"""What every answer from 400 on must look like."""

from typing import Any

import httpx


def problem(answer: httpx.Response, status: int, kind: str) -> dict[str, Any]:
    """The problem that an answer tells, which must be of this status and kind."""
    told: dict[str, Any] = answer.json()
    assert (answer.status_code, told["type"]) == (status, f"/problems/{kind}"), told
    assert answer.headers["content-type"] == "application/problem+json"
    assert told["status"] == status
    assert told["title"]
    assert told["detail"]
    assert told["instance"].startswith("/")
    if status == 422:
        assert told["errors"], "a 422 says where in the request it is"
        assert all(set(error) == {"loc", "msg"} and error["loc"] and error["msg"] for error in told["errors"])
    return told
