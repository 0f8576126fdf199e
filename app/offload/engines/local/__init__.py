"""Lanes on this machine: each is a process that can be killed and replaced without touching the others.

- `engine`: chooses a lane for each dispatch; `lane`: uses and replaces one process; `worker_process`: that process;
  `spawn`: its start
- `attempt_group`: the attempts of one dispatch; `watchdog`: enforces their limits and reports their progress
- `server_pipe`, `context`, `forkserver`, `process_handle`: the means to start, reach and kill a process
- `leftovers`, `orphans`: kill what earlier services and dead lanes left running; `shared_memory`: removes their files
"""
