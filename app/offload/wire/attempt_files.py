"""The names of the files in which a lane keeps an attempt's result and its log."""

RESTARTED = "The attempt is started again: the service was stopped while it was running."
"""The log line that separates two runs of an attempt with the same number. No line continues across it."""


def result_name(job_id: str, attempt: int) -> str:
    """Return the name of the result file. It exists only when the result is complete and on disk."""
    return f"{job_id}.{attempt}.json"


def partial_result_name(job_id: str, attempt: int) -> str:
    """Return the name of the result file while it is being written."""
    return f".{result_name(job_id, attempt)}.partial"


def log_names(job_id: str, attempt: int) -> tuple[str, str]:
    """Return the names of the older and the current log file. Either file may be missing."""
    return f"{job_id}.{attempt}.log.old", f"{job_id}.{attempt}.log"
