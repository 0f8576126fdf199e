"""From the queue to a recorded end.

    FairQueue ──► next_group ──► Dispatcher ──► run_group ──► Engine
                                     ▲                          │ outcome of each attempt
                                     │                          ▼
                        LiveJobs ◄── Publisher ◄── Recorder ◄── Attempt.conclude
                                                   (journal)

- `queue`: the order in which jobs start.
- `grouping`: which queued jobs go to a lane together.
- `dispatcher`: starts attempts and drains them when the service stops.
- `attempt`: one attempt while it runs, and what its outcome makes of the job.
- `running`: runs a group of attempts in the engine, with exactly one outcome for each.
- `recorder`: writes starts and ends to the journal.
- `publisher`: makes a written record visible to clients.
- `live`: the queued and running jobs in memory.
- `canceller`: cancels queued and running jobs.
"""
