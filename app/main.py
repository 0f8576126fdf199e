"""What `uvicorn app.main:app` finds. Everything else is the package `offload`."""

from offload.server.application import from_environment

app = from_environment()
"""Made of the `OFFLOAD_…` variables. Nothing runs before its lifespan begins."""
