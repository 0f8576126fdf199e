"""Traces by OpenTelemetry, where somebody wants them: see docs/traces.md.

request ── queue ── attempt ═══ process line ═══ what the task itself traces
└──── made at the front desk: no kill takes them ────┘  └── made and sent in the lane

Nothing of the SDK is loaded unless traces are wanted. `environment` tells that, `sending` is for front desk and lanes
alike, `jobs` and `desk` are the front desk's; a lane's own part is `offload.worker.traces`.
"""
