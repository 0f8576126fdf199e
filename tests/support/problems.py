"""The form of every response with a status of 400 or more."""

from typing import Any

import httpx


def problem(answer: httpx.Response, status: int, kind: str) -> dict[str, Any]:
    """Returns the problem of a response, which must have this status and type."""
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
