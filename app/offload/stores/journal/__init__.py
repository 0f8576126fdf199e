"""The journal on the standard library's SQLite: one file, one writer that commits in groups, readers beside it.

    event loop ──add, replace, remove──► line of writes ──one transaction for all that wait──► journal.db (WAL, FULL)
        ▲                                     │                                                   │
        └──────── one hop for the group ──────┘            lines of reads ◄── read-only ──────────┘

`line` is the thread that gathers and answers, `commits` makes a group of writes one transaction, `writes` and `reads`
are what happens inside, `sql` is the only place that knows SQL, `boot` decides whether a file can be trusted, `faults`
turns SQLite's errors into ours.

Linux's file systems are meant; a network file system is not one of them (SQLite's WAL needs shared memory).
"""

from offload.stores.journal.journal import SqliteJournal

__all__ = ["SqliteJournal"]
