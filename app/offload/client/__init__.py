"""Offload from Python: `Client` for threads, `AsyncClient` for asyncio, `RemoteExecutor` for code that has futures.

    with Client() as offload:
        job = offload.submit("fibonacci", {"n": 1000}, wait_s=10)
        print(offload.result(job.id)["value"])

Needs nothing of the service but its address. What can be seen of it are the records here, and all that can go wrong is
an `OffloadError`, or a `TimeoutError` where waiting took too long; and `ValueError` for what can't be sent.
"""

from offload.client.async_client import AsyncClient
from offload.client.client import Client
from offload.client.errors import (
    JobCancelledError,
    JobFailedError,
    NotOffloadError,
    OffloadError,
    RefusedError,
    UnreachableError,
    UnsendableError,
)
from offload.client.executor import RemoteExecutor
from offload.client.futures import RemoteFuture
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
