"""The schema of the journal: its tables, indexes and triggers, and the migrations between its versions.

`seq` is the order of acceptance: newest first is `seq` descending, whatever the clock showed.

Each index adds cost to every insert, and each index on `state` adds cost to every change of state. So each has its
reason here. All of them end in the state: a list of several states is then a merge of one index range per state, each
already in order. A page costs the same whatever its depth and the number of jobs.
"""

# ruff: noqa: S608  # only constants of this module are put into statements

from offload.jobs.model import State

APPLICATION_ID = 0x4F464C44
"""`OFLD` in the file's header distinguishes a journal of Offload from other SQLite databases."""

TERMINAL = ", ".join(f"'{state}'" for state in State if state.terminal)
LIVE = ", ".join(f"'{state}'" for state in State if not state.terminal)
"""States as lists of SQL strings, for `IN (…)`."""

BLOCK_BITS = 10
"""A row of `spans` summarises the creation times of 1,024 neighbours: 1,000 rows for a million jobs, read in 0.2 ms."""

_JOBS = f"""
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
-- lists by state; live jobs at start
CREATE INDEX jobs_state ON jobs (state);
-- lists by task, with or without state
CREATE INDEX jobs_task ON jobs (task, state);
-- retention, oldest first, without reading live jobs
CREATE INDEX jobs_finished ON jobs (finished_at) WHERE finished_at IS NOT NULL;
-- the next four contain only jobs that have such a value: they cost nothing in a service without keys or batches
CREATE INDEX jobs_batch ON jobs (batch_id, state) WHERE batch_id IS NOT NULL;
CREATE INDEX jobs_owner ON jobs (owner, state) WHERE owner IS NOT NULL;
CREATE INDEX jobs_owner_task ON jobs (owner, task, state) WHERE owner IS NOT NULL;
-- without keys, all callers share the anonymous owner: an empty blob equals no text, and NULL would not equal NULL
CREATE UNIQUE INDEX jobs_key ON jobs (ifnull(owner, x''), idempotency_key) WHERE idempotency_key IS NOT NULL;

-- lists by label, with or without state
CREATE TABLE labels (
    label TEXT    NOT NULL,
    state TEXT    NOT NULL,
    seq   INTEGER NOT NULL,
    PRIMARY KEY (label, state, seq)
) WITHOUT ROWID;

-- finds the range of `seq` for a range of creation times: exact even if the clock went back, and much cheaper than an
-- index
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

-- written by the health check
CREATE TABLE pulse (beats INTEGER NOT NULL);
INSERT INTO pulse VALUES (0);
"""

_COUNTED = ", ".join(f"{state} = {state} + (new.state = '{state}') - (old.state = '{state}')" for state in State)
_UNCOUNTED = ", ".join(f"{state} = {state} - (old.state = '{state}')" for state in State)

_BATCHES = f"""
ALTER TABLE jobs ADD COLUMN price REAL NOT NULL DEFAULT 0;

-- its members are the jobs with `first_seq <= seq < first_seq + size` and its id, since they are added together
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

-- not in `batches`: SQLite rewrites a whole row to change it, which would be megabytes for each change of a member
CREATE TABLE batch_sources (
    batch_id TEXT PRIMARY KEY,
    source   BLOB NOT NULL
);
CREATE TRIGGER batches_source AFTER DELETE ON batches BEGIN
    DELETE FROM batch_sources WHERE batch_id = old.id;
END;

-- counts are updated in the transaction that changes the member, so they always match the members
CREATE TRIGGER batches_count AFTER UPDATE OF state ON jobs
WHEN new.batch_id IS NOT NULL AND new.state <> old.state BEGIN
    UPDATE batches
    SET {_COUNTED},
        finished_at = CASE
            WHEN queued + running + (new.state IN ({LIVE})) - (old.state IN ({LIVE})) = 0 THEN new.finished_at
        END
    WHERE id = new.batch_id;
END;
CREATE TRIGGER batches_uncount AFTER DELETE ON jobs WHEN old.batch_id IS NOT NULL BEGIN
    UPDATE batches SET {_UNCOUNTED} WHERE id = old.batch_id;
END;
"""

_TRACES = "ALTER TABLE jobs ADD COLUMN trace TEXT"

MIGRATIONS: tuple[str, ...] = (_JOBS, _BATCHES, _TRACES)
"""The scripts from each schema version to the next. The first creates version 1 in an empty file."""
