"""What a job is and what happens to it. Knows no HTTP, no process, no SQL and no task.

- `model`, `lifecycle`: the records, and the changes of a job's state.
- `interfaces`: what this package needs from outside.
- `service`, `batches`: the use cases, for the API.
- `acceptance/`: from a submission to a job on disk.
- `dispatch/`: from the queue to a recorded end.
- `changes/`: who is notified of changes, and when.
- `recent`, `statistics`, `history`: what is kept of ended jobs in memory.
- `housekeeping`: recovery at the start, and deletion of expired jobs.
"""
