"""Counts rejected submissions for `/metrics`."""

from starlette.types import Scope

from offload.api.contract.addresses import route_path
from offload.api.state import AppState
from offload.errors import ProblemError

SUBMITTING = ("/jobs/", "/batches", "/uploads")


def count_rejected(scope: Scope, error: ProblemError) -> None:
    """Counts an error where it rejects a job, a batch or an upload."""
    path = route_path(scope)
    if scope["method"] in {"POST", "PUT"} and path.startswith(SUBMITTING) and not _cancels(path):
        state: AppState = scope["state"]["offload"]
        state.refused[error.type] += 1


def _cancels(path: str) -> bool:
    """Returns True for `/jobs/{id}/cancel` and `/batches/{id}/cancel`, not for a task of that name."""
    return path.endswith("/cancel") and path.count("/") > 2
