"""Optional traces with OpenTelemetry; see docs/traces.md.

    request ── queue ── attempt ═══ process line ═══ spans of the task itself
    └─ created in the server: no kill loses them ─┘  └─ created and sent in the lane

| module | content |
| --- | --- |
| `environment` | whether the variables of OpenTelemetry request traces |
| `setup` | starts tracing in the server |
| `job_spans` | the spans of jobs |
| `export` | sends spans, in the server and in lanes |
| `collector_status` | logs when the collector fails and recovers |
| `log_fields` | adds trace ids to log lines |

The part for lanes is `offload.worker.traces`. The OpenTelemetry SDK is only loaded if traces are requested.
"""
