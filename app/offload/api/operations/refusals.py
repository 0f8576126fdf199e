"""Which submissions were refused, and why: counted for `/metrics`."""

from starlette.types import Scope

from offload.api.state import AppState
from offload.errors import ProblemError

SUBMITTING = ("/jobs/", "/batches", "/uploads")


def count_refused(scope: Scope, error: ProblemError) -> None:
    """Counts an answer with an error, where it refuses a job, a batch or an upload."""
    if scope["method"] in {"POST", "PUT"} and scope["path"].startswith(SUBMITTING) and not _cancels(scope["path"]):
        state: AppState = scope["state"]["offload"]
        state.refused[error.type] += 1


def _cancels(path: str) -> bool:
    """True for `/jobs/{id}/cancel` and its like; not for a submission to a task of that name."""
    return path.endswith("/cancel") and path.count("/") > 2
