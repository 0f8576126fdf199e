"""The ways a job can fail, as people read them: the title in the job's `error`, and the text of the kind's page."""

from dataclasses import dataclass

from offload.jobs.model import FailureKind


@dataclass(frozen=True, slots=True)
class Explanation:
    """A kind of failure: its title, what happened, and what to do about it."""

    title: str
    what: str
    remedy: str


EXPLANATIONS: dict[FailureKind, Explanation] = {
    FailureKind.TASK_RAISED: Explanation(
        "The task raised an exception",
        "The task's own code raised. `exception` and `traceback` tell what and where. It is final: the same parameters "
        "would most likely raise again, so the job is not tried again by itself.",
        "Read the traceback, change the parameters or the task, and submit a new job.",
    ),
    FailureKind.TIMED_OUT: Explanation(
        "The job ran over its time limit",
        "The job was still running at its `timeout_s`, counted from the start of its attempt, and was stopped.",
        "Submit it with a higher `timeout_s`, or make the work smaller.",
    ),
    FailureKind.WORKER_DIED: Explanation(
        "The worker process died",
        "The process that ran the job ended before it had an outcome, `max_attempts` times in a row: `exit_code` or "
        "`signal` tell how. A crash in C code, a call of `os._exit` and the kernel's out-of-memory killer look like "
        "this.",
        "Look for what the task does in C code, or give it more memory; `max_attempts` says how often it is tried.",
    ),
    FailureKind.INTERRUPTED: Explanation(
        "The service died during the last attempt",
        "The service itself was killed, or its machine went down, while the job's last attempt was running. An orderly "
        "stop burns no attempt and queues the job again.",
        "Submit it again. If it happens to the same job twice, the job may be what takes the service down.",
    ),
    FailureKind.MEMORY_EXCEEDED: Explanation(
        "The job ran over its memory limit",
        "The job used more than its `memory_mb` and was stopped; no other job noticed.",
        "Submit it with a higher `memory_mb`, or make the work smaller.",
    ),
    FailureKind.RESULT_TOO_LARGE: Explanation(
        "The result is too large",
        "The task returned, but its result as JSON is larger than the server keeps. The detail names both sizes.",
        "Have the task return less, or a path to what it wrote.",
    ),
    FailureKind.RESULT_NOT_SERIALIZABLE: Explanation(
        "The result can't be written as JSON",
        "The task returned something that JSON can't carry, for example bytes, NaN or an object of its own.",
        "Have the task return text, finite numbers, lists and dictionaries of those, or a pydantic model.",
    ),
    FailureKind.FILE_CHANGED: Explanation(
        "The file changed while it was read",
        "A digest of a file that changes meanwhile would be the digest of nothing that ever was.",
        "Submit the job again when nothing writes to the file.",
    ),
    FailureKind.FILE_NOT_FOUND: Explanation(
        "The file is not there",
        "There was no file at the path when the job ran. One that is submitted by itself is looked for before it is "
        "accepted, so it has gone since; the members of a batch that verifies a manifest are looked for only now.",
        "Put it back and submit the job again.",
    ),
    FailureKind.NOT_A_REGULAR_FILE: Explanation(
        "Not a regular file",
        "The path names a directory, a pipe, a device or another thing that has no content to digest.",
        "Name the files themselves; `POST /batches/file-digest` finds those of a directory by a pattern.",
    ),
    FailureKind.PATH_REFUSED: Explanation(
        "The file may not be read",
        "The path leaves the files directory, goes through a symbolic link, or names what the service has no "
        "permission to read.",
        "Give the service the permission, or a copy, a bind mount or a hard link instead of a symbolic one.",
    ),
}
