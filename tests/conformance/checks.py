"""What schemathesis is to check besides its own checks. Loaded by schemathesis, by its name in `schemathesis.toml`."""

from typing import Any

import schemathesis
from schemathesis import Case, CheckContext, HookContext, Response

BEYOND_SCHEMAS = frozenset(
    {
        "file-not-found",
        "idempotency-key-reused",
        "not-a-regular-file",
        "path-refused",
        "too-expensive",
    }
)
"""Why a request may be refused as 422 although the document allows it: reasons that lie outside the request."""

BEYOND_WORDS = ("No job of this batch has computed ", "There are no properly formatted checksum lines in the body.")
"""Likewise, told by their words: what a batch has computed, and what the tools take for a line, no schema says."""


@schemathesis.hook
def filter_case(context: HookContext, case: Case[Any]) -> bool:
    """Leaves out forms with an empty list: no part of the form says it, so what is sent is not what was thought up."""
    del context
    return not (
        case.media_type == "multipart/form-data"
        and isinstance(case.body, dict)
        and any(value == [] for value in case.body.values())
    )


@schemathesis.check
def valid_data_is_refused_for_a_reason(ctx: CheckContext, response: Response, case: Case[Any]) -> bool | None:
    """A request that the document allows is never told that its form is wrong."""
    del ctx
    if response.status_code == 422 and case.meta is not None and case.meta.generation.mode.is_positive:
        problem = response.json()
        known = (
            problem["type"].removeprefix("/problems/") in BEYOND_SCHEMAS
            or problem["detail"].startswith(BEYOND_WORDS)
            or _only_whole_floats(problem)
        )
        assert known, f"the document allows it, the service does not: {problem}"
    return None


def _only_whole_floats(problem: dict[str, Any]) -> bool:
    """1.0 is an integer to JSON Schema and none to the service, which takes no number that a parser may have rounded.

    Only a number gets this far with this message: for text or null it would have been against the document.
    """
    return all(error["msg"] == "Input should be a valid integer" for error in problem["errors"])


@schemathesis.check
def problems_are_whole(ctx: CheckContext, response: Response, case: Case[Any]) -> bool | None:
    """Every error is a problem that names itself, and what is refused for now says when to come again."""
    del ctx, case
    if response.status_code >= 400:
        assert response.headers["content-type"] == ["application/problem+json"], response.headers
        problem = response.json()
        assert problem["status"] == response.status_code, problem
        assert problem["type"].startswith("/problems/"), problem
        assert ("errors" in problem) is (response.status_code == 422), problem
        assert response.status_code not in {429, 503} or "retry-after" in response.headers, problem
    return None
