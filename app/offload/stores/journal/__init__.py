"""The journal in the standard library's SQLite: one file, one writer that commits in groups, and separate readers.

    event loop ──add, replace, remove──► writer thread ──one transaction per group──► journal.sqlite3 (WAL, FULL)
        ▲                                    │                                              │
        └──────── one callback per group ────┘         reader threads ◄── read-only ────────┘

| module | content |
| --- | --- |
| `journal` | `SqliteJournal`, the implementation of `jobs.interfaces.Journal` |
| `connection_thread` | the thread that owns a connection, collects groups and resolves futures |
| `transactions` | how a group of writes becomes one transaction |
| `writes`, `queries` | functions of a connection: one for each write and each read |
| `schema`, `statements` | all SQL |
| `rows` | jobs and batches to rows, and back |
| `opening`, `wal_check`, `file_check` | whether a file can be trusted, before and while it is used |
| `errors` | SQLite's errors as the service's errors |

Needs a local Linux file system. SQLite's WAL mode uses shared memory, which network file systems don't support.
"""

from offload.stores.journal.journal import SqliteJournal

__all__ = ["SqliteJournal"]
