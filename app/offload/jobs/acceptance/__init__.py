"""From a submission to a job on disk.

    Submission ──► same Idempotency-Key? ──► terms ──► capacity ──► examination ──► journal ──► queue
                   the earlier job           422       503, 429     422             fsync

- `submission`: what a client asks for, and the terms under which the server accepts it.
- `idempotency`: the same `Idempotency-Key` gives the same job or batch.
- `capacity`: the limits of the queue.
- `intake`: the steps that a single job and each member of a batch share.
- `jobs`, `batches`: accept a job, or all members of a batch or none.
"""
