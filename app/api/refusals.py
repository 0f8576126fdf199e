"""Which submissions were refused, and why: counted for `/metrics`."""

from starlette.types import Scope

from app.api.state import AppState
from app.errors import ProblemError

SUBMITTING = ("/jobs/", "/batches", "/uploads")


def count_refused(scope: Scope, error: ProblemError) -> None:
    """Counts an answer with an error, where it refuses a job, a batch or an upload."""
    if scope["method"] not in {"POST", "PUT"} or not scope["path"].startswith(SUBMITTING):
        return
    if not scope["path"].endswith("/cancel"):
        state: AppState = scope["state"]["offload"]
        state.refused[error.type] += 1
