"""What the service sends, as frozen records.

`tests/client/test_records.py` compares them with the service's OpenAPI document.
"""

from offload.client.records.batches import (
    Batch,
    BatchLinks,
    BatchPage,
    BatchProgress,
    Counts,
    Member,
    MemberResult,
)
from offload.client.records.jobs import (
    Change,
    Job,
    JobChanged,
    JobDeleted,
    JobError,
    JobLinks,
    JobPage,
    LoadAgain,
    Progress,
    State,
    Usage,
)
from offload.client.records.record import Record
from offload.client.records.service import Lane, Limits, Queue, Stats, Task, TaskList, TaskStats, Upload, Waiting

__all__ = [
    "Batch",
    "BatchLinks",
    "BatchPage",
    "BatchProgress",
    "Change",
    "Counts",
    "Job",
    "JobChanged",
    "JobDeleted",
    "JobError",
    "JobLinks",
    "JobPage",
    "Lane",
    "Limits",
    "LoadAgain",
    "Member",
    "MemberResult",
    "Progress",
    "Queue",
    "Record",
    "State",
    "Stats",
    "Task",
    "TaskList",
    "TaskStats",
    "Upload",
    "Usage",
    "Waiting",
]
