"""Explains each way in which a job can fail: the title in the job's `error`, and the text of its problem page."""

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
        "The task's code raised an exception: see `exception` and `traceback`. The same parameters would most likely "
        "raise again, so the job is not retried.",
        "Read the traceback, change the parameters or the task, and submit a new job.",
    ),
    FailureKind.TIMED_OUT: Explanation(
        "The job ran over its time limit",
        "The job was still running at its `timeout_s`, counted from the start of its attempt, and was stopped.",
        "Submit it with a higher `timeout_s`, or make the work smaller.",
    ),
    FailureKind.WORKER_DIED: Explanation(
        "The worker process died",
        "The process that ran the job ended before the job had finished, in each of its `max_attempts` attempts: see "
        "`exit_code` or `signal`. Typical causes are a crash in C code, a call of `os._exit` and the kernel's "
        "out-of-memory killer.",
        "Check the C code that the task uses, or give the job more memory.",
    ),
    FailureKind.INTERRUPTED: Explanation(
        "The service died during the last attempt",
        "The service itself was killed, or its machine went down, while the job's last attempt was running. An orderly "
        "stop uses up no attempt and requeues the job.",
        "Submit it again. If the same job is interrupted twice, it may be the cause of the crash.",
    ),
    FailureKind.MEMORY_EXCEEDED: Explanation(
        "The job ran over its memory limit",
        "The job used more memory than its `memory_mb` and was stopped. No other job was affected.",
        "Submit it with a higher `memory_mb`, or make the work smaller.",
    ),
    FailureKind.RESULT_TOO_LARGE: Explanation(
        "The result is too large",
        "The result as JSON is larger than the limit of the service. The detail names both sizes.",
        "Have the task return less, or a path to what it wrote.",
    ),
    FailureKind.RESULT_NOT_SERIALIZABLE: Explanation(
        "The result can't be written as JSON",
        "The task returned something that JSON can't carry, for example bytes, NaN or an object of its own.",
        "Have the task return text, finite numbers, lists and dictionaries of those, or a pydantic model.",
    ),
    FailureKind.FILE_CHANGED: Explanation(
        "The file changed while it was read",
        "The file was modified while the job was reading it, so the digest would not match any version of the file.",
        "Submit the job again when no process writes to the file.",
    ),
    FailureKind.FILE_NOT_FOUND: Explanation(
        "The file is not there",
        "There was no file at the path when the job ran. The file of a single job is checked at submission, so it was "
        "removed afterwards. The files of a batch that verifies a manifest are checked only when their jobs run.",
        "Restore the file and submit the job again.",
    ),
    FailureKind.NOT_A_REGULAR_FILE: Explanation(
        "Not a regular file",
        "The path names a directory, a pipe, a device or another file without content to digest.",
        "Name regular files. `POST /batches/file-digest` selects the files of a directory by a pattern.",
    ),
    FailureKind.PATH_REFUSED: Explanation(
        "The file may not be read",
        "The path leaves the files directory, goes through a symbolic link, or names what the service has no "
        "permission to read.",
        "Grant the permission, or use a copy, a bind mount or a hard link instead of a symbolic link.",
    ),
}
