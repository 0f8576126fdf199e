"""Tasks: from a Python function to something that a job can run.

- `decorator`: `@task(…)` sets a function's own limits
- `tasks_setting`: reads `OFFLOAD_TASKS` and imports the functions
- `signature`, `result`, `example`: what a function takes and returns, as models and JSON Schema
- `build`: puts them together to a `definition.Task`
- `registry`: the tasks of a service by name
- `fibonacci`: a built-in task; the other one is `offload.digests.task`
"""
