"""Offload from Python: `Client` for threads, `AsyncClient` for asyncio, `RemoteExecutor` for `concurrent.futures`.

    from offload.client import Client

    with Client() as offload:
        job = offload.submit("fibonacci", {"n": 1000}, wait_s=10)
        print(offload.result(job.id)["value"])

Only the service's address is needed. What it sends are frozen records. Errors are an `OffloadError`, a `TimeoutError`
where a timeout has expired, or a `ValueError` for arguments that can't be sent.

`AsyncClient` and the executor are loaded when they are first used, and asyncio with them.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from offload.client._sync.client import Client
from offload.client.errors import (
    JobCancelledError,
    JobFailedError,
    NotOffloadError,
    OffloadError,
    RefusedError,
    UnreachableError,
    UnsendableError,
)
from offload.client.records import (
    Batch,
    Change,
    Job,
    JobChanged,
    JobDeleted,
    JobError,
    LoadAgain,
    Member,
    MemberResult,
    Progress,
    State,
    Stats,
    Task,
    Upload,
)

if TYPE_CHECKING:
    from offload.client._async.client import AsyncClient
    from offload.client.executor import RemoteExecutor, RemoteFuture

__all__ = [
    "AsyncClient",
    "Batch",
    "Change",
    "Client",
    "Job",
    "JobCancelledError",
    "JobChanged",
    "JobDeleted",
    "JobError",
    "JobFailedError",
    "LoadAgain",
    "Member",
    "MemberResult",
    "NotOffloadError",
    "OffloadError",
    "Progress",
    "RefusedError",
    "RemoteExecutor",
    "RemoteFuture",
    "State",
    "Stats",
    "Task",
    "UnreachableError",
    "UnsendableError",
    "Upload",
]

_LAZY = {
    "AsyncClient": "offload.client._async.client",
    "RemoteExecutor": "offload.client.executor",
    "RemoteFuture": "offload.client.executor",
}


def __getattr__(name: str) -> object:
    if name in _LAZY:
        return getattr(import_module(_LAZY[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
