"""All SQL of the journal: its schema, its statements, and how a list is put together.

`seq` is the order of acceptance: newest first is `seq` descending, whatever the clocks said.

Each index costs every insert, and those with a state cost every change of state, so each has its reason here. All end
in the state: a list of several states is then a merge of one index range a state, each already in order, and a page
costs the same however deep it is and however many jobs there are.
"""

# ruff: noqa: S608  # what is put together here are this file's own constants; every value is a parameter

from functools import cache

from offload.jobs.interfaces import JobFilter
from offload.jobs.model import State

APPLICATION_ID = 0x4F464C44
"""`OFLD` in the file's header: a journal of Offload and no other SQLite database."""

_TERMINAL = ", ".join(f"'{state}'" for state in State if state.terminal)
_LIVE = ", ".join(f"'{state}'" for state in State if not state.terminal)

BLOCK_BITS = 10
"""A row of `spans` summarises the creation times of 1,024 neighbours: 1,000 rows for a million jobs, read in 0.2 ms."""

_FIRST = f"""
CREATE TABLE jobs (
    seq             INTEGER PRIMARY KEY,
    id              TEXT    NOT NULL,
    task            TEXT    NOT NULL,
    state           TEXT    NOT NULL,
    attempt         INTEGER NOT NULL,
    max_attempts    INTEGER NOT NULL,
    priority        INTEGER NOT NULL,
    timeout_s       REAL    NOT NULL,
    memory_mb       INTEGER NOT NULL,
    created_at      INTEGER NOT NULL,
    started_at      INTEGER,
    finished_at     INTEGER,
    owner           TEXT,
    batch_id        TEXT,
    upload          TEXT,
    labels          TEXT    NOT NULL,
    idempotency_key TEXT,
    fingerprint     BLOB,
    usage           TEXT,
    failure         TEXT,
    result_bytes    INTEGER,
    params          BLOB    NOT NULL,
    result          BLOB
);

-- get, and every replace
CREATE UNIQUE INDEX jobs_id ON jobs (id);
-- list by state; what is live at boot
CREATE INDEX jobs_state ON jobs (state);
-- list by task, with or without state
CREATE INDEX jobs_task ON jobs (task, state);
-- retention, oldest first, without walking past jobs that still wait
CREATE INDEX jobs_finished ON jobs (finished_at) WHERE finished_at IS NOT NULL;
-- the next four hold only the jobs that have such a thing: none of them costs a service without keys or batches
CREATE INDEX jobs_batch ON jobs (batch_id, state) WHERE batch_id IS NOT NULL;
CREATE INDEX jobs_owner ON jobs (owner, state) WHERE owner IS NOT NULL;
CREATE INDEX jobs_owner_task ON jobs (owner, task, state) WHERE owner IS NOT NULL;
-- nobody is an owner like another; a blob equals no text, and NULL would equal nothing
CREATE UNIQUE INDEX jobs_key ON jobs (ifnull(owner, x''), idempotency_key) WHERE idempotency_key IS NOT NULL;

-- list by label, with or without state
CREATE TABLE labels (
    label TEXT    NOT NULL,
    state TEXT    NOT NULL,
    seq   INTEGER NOT NULL,
    PRIMARY KEY (label, state, seq)
) WITHOUT ROWID;

-- where in `seq` a range of creation times lies: exact also where the clock went back, and far cheaper than an index
CREATE TABLE spans (
    block  INTEGER PRIMARY KEY,
    oldest INTEGER NOT NULL,
    newest INTEGER NOT NULL
);
CREATE TRIGGER jobs_span AFTER INSERT ON jobs BEGIN
    INSERT INTO spans VALUES (new.seq >> {BLOCK_BITS}, new.created_at, new.created_at)
    ON CONFLICT (block) DO UPDATE
    SET oldest = min(oldest, excluded.oldest), newest = max(newest, excluded.newest);
END;

-- what a check of the service's health really writes
CREATE TABLE pulse (beats INTEGER NOT NULL);
INSERT INTO pulse VALUES (0);
"""

_COUNTED = ", ".join(f"{state} = {state} + (new.state = '{state}') - (old.state = '{state}')" for state in State)
_UNCOUNTED = ", ".join(f"{state} = {state} - (old.state = '{state}')" for state in State)

_BATCHES = f"""
ALTER TABLE jobs ADD COLUMN price REAL NOT NULL DEFAULT 0;

-- its members are the jobs of `first_seq <= seq < first_seq + size` that have its id: they were added together
CREATE TABLE batches (
    seq             INTEGER PRIMARY KEY,
    id              TEXT    NOT NULL,
    kind            TEXT    NOT NULL,
    size            INTEGER NOT NULL,
    created_at      INTEGER NOT NULL,
    owner           TEXT,
    labels          TEXT    NOT NULL,
    {", ".join(f"{state} INTEGER NOT NULL" for state in State)},
    finished_at     INTEGER,
    first_seq       INTEGER NOT NULL,
    idempotency_key TEXT,
    fingerprint     BLOB
);
CREATE UNIQUE INDEX batches_id ON batches (id);
CREATE INDEX batches_owner ON batches (owner) WHERE owner IS NOT NULL;
CREATE INDEX batches_finished ON batches (finished_at) WHERE finished_at IS NOT NULL;
CREATE UNIQUE INDEX batches_key ON batches (ifnull(owner, x''), idempotency_key) WHERE idempotency_key IS NOT NULL;

-- apart from the batch, since SQLite goes through a whole row to change it, at each change of a member: megabytes
CREATE TABLE batch_sources (
    batch_id TEXT PRIMARY KEY,
    source   BLOB NOT NULL
);
CREATE TRIGGER batches_source AFTER DELETE ON batches BEGIN
    DELETE FROM batch_sources WHERE batch_id = old.id;
END;

-- a batch is counted in the transaction that changes its member: what it tells is never out of step with them
CREATE TRIGGER batches_count AFTER UPDATE OF state ON jobs
WHEN new.batch_id IS NOT NULL AND new.state <> old.state BEGIN
    UPDATE batches
    SET {_COUNTED},
        finished_at = CASE
            WHEN queued + running + (new.state IN ({_LIVE})) - (old.state IN ({_LIVE})) = 0 THEN new.finished_at
        END
    WHERE id = new.batch_id;
END;
CREATE TRIGGER batches_uncount AFTER DELETE ON jobs WHEN old.batch_id IS NOT NULL BEGIN
    UPDATE batches SET {_UNCOUNTED} WHERE id = old.batch_id;
END;
"""

_TRACES = "ALTER TABLE jobs ADD COLUMN trace TEXT"

UPGRADES: tuple[str, ...] = (_FIRST, _BATCHES, _TRACES)
"""Scripts from each schema version to the next; the first makes version 1 of an empty file."""

COLUMNS = (
    "id, task, params, created_at, timeout_s, memory_mb, max_attempts, priority, labels, owner, batch_id, upload, "
    "price, trace, state, attempt, started_at, finished_at, result, result_bytes, failure, usage"
)
"""A job, in the order of `rows.Row`."""

_CHANGED = COLUMNS.split(", ")[14:]
"""What an attempt changes of a job, in the order of `rows.changed`."""


@cache
def insert(jobs: int) -> str:
    """Inserts so many jobs: each the columns of a `rows.Row`, its idempotency key and the request's fingerprint."""
    row = f"({', '.join('?' * (COLUMNS.count(',') + 3))})"
    return f"INSERT INTO jobs ({COLUMNS}, idempotency_key, fingerprint) VALUES {', '.join([row] * jobs)}"


@cache
def replace(jobs: int) -> str:
    """Changes so many jobs, no two the same: each the columns of `rows.changed`, then its id, and state and attempt
    as they must have been.
    """
    row = f"({', '.join('?' * (len(_CHANGED) + 3))})"
    names = [f"column{number}" for number in range(1, len(_CHANGED) + 4)]  # as SQLite calls the columns of VALUES
    changes = ", ".join(f"{name} = new.{value}" for name, value in zip(_CHANGED, names, strict=False))
    id_, state, attempt = names[-3:]
    return f"""
        UPDATE jobs SET {changes} FROM (VALUES {", ".join([row] * jobs)}) AS new
        WHERE jobs.id = new.{id_} AND jobs.state = new.{state} AND jobs.attempt = new.{attempt}"""


INSERT_LABEL = "INSERT INTO labels SELECT ?, state, seq FROM jobs WHERE id = ?"
MOVE_LABEL = """
    UPDATE labels SET state = ? WHERE label = ? AND state = ? AND seq = (SELECT seq FROM jobs WHERE id = ?)"""

GET_TERMINAL = f"SELECT {COLUMNS} FROM jobs WHERE id = ? AND state IN ({_TERMINAL})"
DELETE_LABEL = "DELETE FROM labels WHERE label = ? AND state = ? AND seq = (SELECT seq FROM jobs WHERE id = ?)"
DELETE = f"DELETE FROM jobs WHERE id = ? AND state IN ({_TERMINAL})"
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
LIVE = f"SELECT {COLUMNS} FROM jobs INDEXED BY jobs_state WHERE state IN ({_LIVE}) ORDER BY seq"
EXPIRABLE = f"""
    SELECT {COLUMNS} FROM jobs INDEXED BY jobs_finished
    WHERE finished_at < :finished_before AND state IN ({_TERMINAL})
      AND (idempotency_key IS NULL OR created_at < :key_before)
      AND (batch_id IS NULL OR NOT EXISTS (SELECT 1 FROM batches WHERE batches.id = jobs.batch_id))
    ORDER BY finished_at LIMIT :limit"""
BOUNDS = f"""
    SELECT min(block) << {BLOCK_BITS}, (max(block) + 1) << {BLOCK_BITS} FROM spans
    WHERE (:created_after IS NULL OR newest > :created_after)
      AND (:created_before IS NULL OR oldest < :created_before)"""

BATCH_COLUMNS = f"id, kind, size, created_at, owner, labels, {', '.join(State)}, finished_at"
"""A batch, in the order that `rows.batch` reads."""

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
    """The query of a page of batches: `:owner`'s, or all; each row's last is its `seq`."""
    source = "batches NOT INDEXED" if owner is None else "batches INDEXED BY batches_owner"
    mine = "" if owner is None else "owner = :owner AND"
    return f"SELECT {BATCH_COLUMNS}, seq FROM {source} WHERE {mine} seq < :before ORDER BY seq DESC LIMIT :limit"


def page(where: JobFilter) -> str:
    """The query of a page: up to `:limit` jobs of `:first <= seq < :before`, newest first, each row's last its `seq`.

    The parameters of its filters are named as the fields of `JobFilter` are.
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
    if source == _IN_ORDER:
        ranges = [conditions]
    else:
        ranges = [[f"{table}.state = '{state}'", *conditions] for state in State if state in (where.states or State)]
    merged = " UNION ALL ".join(f"SELECT {table}.seq FROM {source} WHERE {' AND '.join(each)}" for each in ranges)
    return f"""
        WITH wanted AS ({merged} ORDER BY 1 DESC LIMIT :limit)
        SELECT {COLUMNS}, jobs.seq FROM wanted CROSS JOIN jobs ON jobs.seq = wanted.seq ORDER BY jobs.seq DESC"""


_IN_ORDER = "jobs NOT INDEXED"
# A subquery that stays one: an IN is turned round by SQLite 3.46 (3.40 does not), into a walk over every label.
_HAS_LABEL = "(SELECT 1 FROM labels WHERE (label, state, seq) = (:label, jobs.state, jobs.seq))"


def _source(where: JobFilter) -> tuple[str, str]:
    """The table that gives a list its order, and how it is read: by the filter that usually leaves the fewest jobs.

    Said here and not left to SQLite, which without statistics would now and then sort a million rows.
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
    return "jobs", _IN_ORDER
