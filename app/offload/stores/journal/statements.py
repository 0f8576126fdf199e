"""The SQL statements of the journal, and how the query of a list is composed."""

# ruff: noqa: S608  # only constants of this module are put into statements; every value is a parameter

from functools import cache

from offload.jobs.interfaces import JobFilter
from offload.jobs.model import State
from offload.stores.journal.schema import BLOCK_BITS, LIVE, TERMINAL

COLUMNS = (
    "id, task, params, created_at, timeout_s, memory_mb, max_attempts, priority, labels, owner, batch_id, upload, "
    "price, trace, state, attempt, started_at, finished_at, result, result_bytes, failure, usage"
)
"""The columns of a job, in the order of `rows.Row`."""

_CHANGED = COLUMNS.split(", ")[14:]
"""The columns that an attempt changes, in the order of `rows.changed`."""


@cache
def insert(jobs: int) -> str:
    """Returns the statement that inserts this number of jobs.

    The parameters of each are `rows.Row`, its idempotency key and the fingerprint of the request.
    """
    row = f"({', '.join('?' * (COLUMNS.count(',') + 3))})"
    return f"INSERT INTO jobs ({COLUMNS}, idempotency_key, fingerprint) VALUES {', '.join([row] * jobs)}"


@cache
def replace(jobs: int) -> str:
    """Returns the statement that changes this number of different jobs.

    The parameters of each are `rows.changed`, then its id and the state and attempt that it must have had.
    """
    row = f"({', '.join('?' * (len(_CHANGED) + 3))})"
    names = [f"column{number}" for number in range(1, len(_CHANGED) + 4)]  # SQLite's names of the columns of VALUES
    changes = ", ".join(f"{name} = new.{value}" for name, value in zip(_CHANGED, names, strict=False))
    id_, state, attempt = names[-3:]
    return f"""
        UPDATE jobs SET {changes} FROM (VALUES {", ".join([row] * jobs)}) AS new
        WHERE jobs.id = new.{id_} AND jobs.state = new.{state} AND jobs.attempt = new.{attempt}"""


INSERT_LABEL = "INSERT INTO labels SELECT ?, state, seq FROM jobs WHERE id = ?"
MOVE_LABEL = """
    UPDATE labels SET state = ? WHERE label = ? AND state = ? AND seq = (SELECT seq FROM jobs WHERE id = ?)"""

GET_TERMINAL = f"SELECT {COLUMNS} FROM jobs WHERE id = ? AND state IN ({TERMINAL})"
DELETE_LABEL = "DELETE FROM labels WHERE label = ? AND state = ? AND seq = (SELECT seq FROM jobs WHERE id = ?)"
DELETE = f"DELETE FROM jobs WHERE id = ? AND state IN ({TERMINAL})"
DELETE_SPANS = f"DELETE FROM spans WHERE block < (SELECT min(seq) >> {BLOCK_BITS} FROM jobs)"

BEAT = "UPDATE pulse SET beats = beats + 1"
BEATS = "SELECT beats FROM pulse"

GET = f"SELECT {COLUMNS} FROM jobs WHERE id = ?"
_HAS_KEY = "ifnull(owner, x'') = ifnull(:owner, x'') AND idempotency_key = :key"
FIND_KEY = f"""
    SELECT fingerprint, id, NULL FROM jobs WHERE {_HAS_KEY}
    UNION ALL SELECT fingerprint, NULL, id FROM batches WHERE {_HAS_KEY}"""
_ENDED = """
    FROM jobs INDEXED BY jobs_finished
    WHERE finished_at >= :begin AND finished_at < :end AND (:owner IS NULL OR owner = :owner)"""
COUNT_ENDED = f"SELECT state, count(*) {_ENDED} GROUP BY state"
DURATIONS = f"""
    SELECT json_group_array(json_extract(usage, '$.wall_s')) FILTER (WHERE state = 'succeeded' AND usage IS NOT NULL),
           json_group_array((started_at - created_at) / 1e6) FILTER (WHERE started_at IS NOT NULL)
    {_ENDED} AND seq % :every = 0"""
LIVE_JOBS = f"SELECT {COLUMNS} FROM jobs INDEXED BY jobs_state WHERE state IN ({LIVE}) ORDER BY seq"
EXPIRABLE = f"""
    SELECT {COLUMNS} FROM jobs INDEXED BY jobs_finished
    WHERE finished_at < :finished_before AND state IN ({TERMINAL})
      AND (idempotency_key IS NULL OR created_at < :key_before)
      AND (batch_id IS NULL OR NOT EXISTS (SELECT 1 FROM batches WHERE batches.id = jobs.batch_id))
    ORDER BY finished_at LIMIT :limit"""
BOUNDS = f"""
    SELECT min(block) << {BLOCK_BITS}, (max(block) + 1) << {BLOCK_BITS} FROM spans
    WHERE (:created_after IS NULL OR newest > :created_after)
      AND (:created_before IS NULL OR oldest < :created_before)"""

BATCH_COLUMNS = f"id, kind, size, created_at, owner, labels, {', '.join(State)}, finished_at"
"""The columns of a batch, in the order of `rows.batch`."""

INSERT_BATCH = f"""
    INSERT INTO batches ({BATCH_COLUMNS}, idempotency_key, fingerprint, first_seq)
    SELECT {", ".join("?" * (BATCH_COLUMNS.count(",") + 3))}, ifnull(max(seq), 0) + 1 FROM jobs"""
INSERT_SOURCE = "INSERT INTO batch_sources VALUES (?, ?)"
GET_BATCH = f"""
    SELECT {BATCH_COLUMNS}, (SELECT source FROM batch_sources WHERE batch_id = batches.id)
    FROM batches WHERE id = ?"""
EXPIRABLE_BATCHES = """
    SELECT id FROM batches INDEXED BY batches_finished
    WHERE finished_at < :finished_before AND (idempotency_key IS NULL OR created_at < :key_before)
    ORDER BY finished_at LIMIT :limit"""
DELETE_BATCH = "DELETE FROM batches WHERE id = ? AND finished_at IS NOT NULL"
MEMBERS = f"""
    SELECT {", ".join(f"jobs.{name}" for name in COLUMNS.split(", "))}, jobs.seq - first_seq
    FROM batches CROSS JOIN jobs NOT INDEXED
    ON jobs.seq >= first_seq + :begin AND jobs.seq < first_seq + size AND jobs.batch_id = batches.id
    WHERE batches.id = :batch_id AND (batches.finished_at IS NOT NULL OR NOT :only_done)
    ORDER BY jobs.seq LIMIT :limit"""


def batch_page(owner: str | None) -> str:
    """Returns the query of a page of batches of `:owner`, or of all owners. The last column is `seq`."""
    source = "batches NOT INDEXED" if owner is None else "batches INDEXED BY batches_owner"
    mine = "" if owner is None else "owner = :owner AND"
    return f"SELECT {BATCH_COLUMNS}, seq FROM {source} WHERE {mine} seq < :before ORDER BY seq DESC LIMIT :limit"


def page(where: JobFilter) -> str:
    """Returns the query of a page: up to `:limit` jobs with `:first <= seq < :before`, newest first.

    The last column is `seq`. The parameters of the filters have the names of the fields of `JobFilter`.
    """
    table, source = _source(where)
    conditions = [f"{table}.seq >= :first", f"{table}.seq < :before"]
    conditions += [
        f"jobs.{name} = :{name}" for name in ("task", "owner", "batch_id") if getattr(where, name) is not None
    ]
    if where.label is not None:
        conditions.append("labels.label = :label" if table == "labels" else _HAS_LABEL)
    if where.created_after is not None:
        conditions.append("jobs.created_at > :created_after")
    if where.created_before is not None:
        conditions.append("jobs.created_at < :created_before")
    if source == _BY_SEQ:
        ranges = [conditions]
    else:
        ranges = [[f"{table}.state = '{state}'", *conditions] for state in State if state in (where.states or State)]
    merged = " UNION ALL ".join(f"SELECT {table}.seq FROM {source} WHERE {' AND '.join(each)}" for each in ranges)
    return f"""
        WITH wanted AS ({merged} ORDER BY 1 DESC LIMIT :limit)
        SELECT {COLUMNS}, jobs.seq FROM wanted CROSS JOIN jobs ON jobs.seq = wanted.seq ORDER BY jobs.seq DESC"""


_BY_SEQ = "jobs NOT INDEXED"
# A scalar subquery: SQLite 3.46 (but not 3.40) turns an IN into a scan of all labels.
_HAS_LABEL = "(SELECT 1 FROM labels WHERE (label, state, seq) = (:label, jobs.state, jobs.seq))"


def _source(where: JobFilter) -> tuple[str, str]:
    """Returns the table that a list is ordered by, and its FROM clause.

    The index is that of the filter that usually matches the fewest jobs. Without statistics, SQLite itself would
    sometimes choose to sort a million rows.
    """
    if where.batch_id is not None:
        return "jobs", "jobs INDEXED BY jobs_batch"
    if where.label is not None:
        return "labels", "labels CROSS JOIN jobs ON jobs.seq = labels.seq"
    if where.owner is not None:
        return "jobs", f"jobs INDEXED BY {'jobs_owner' if where.task is None else 'jobs_owner_task'}"
    if where.task is not None:
        return "jobs", "jobs INDEXED BY jobs_task"
    if where.states:
        return "jobs", "jobs INDEXED BY jobs_state"
    return "jobs", _BY_SEQ
