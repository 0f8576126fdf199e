"""Offload from Python: `Client` for threads, `AsyncClient` for asyncio, `RemoteExecutor` for `concurrent.futures`.

    from offload.client import Client

    with Client() as offload:
        job = offload.submit("fibonacci", {"n": 1000}, wait_s=10)
        print(offload.result(job.id)["value"])

Only the service's address is needed. What it sends are frozen records. Errors are an `OffloadError`, a `TimeoutError`
where a timeout has expired, or a `ValueError` for arguments that can't be sent.
"""

from offload.client._async.client import AsyncClient
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
from offload.client.executor import RemoteExecutor, RemoteFuture
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
