"""Builds and runs the service. The only package that knows all others.

| module | content |
| --- | --- |
| `serve`, `process` | the command `offload serve`, and what it sets for its process |
| `settings`, `settings_checks`, `service_links` | the `OFFLOAD_…` settings, and how they are loaded and checked |
| `application` | the ASGI application, whose lifespan starts and stops a `Runtime` |
| `runtime`, `services` | the running service: data directory, stores, engine, services, background work |
| `data_directory` | claims the data directory and starts the forkserver |
| `memory_watch` | ends a service without address space |
| `signals` | drain on SIGTERM and SIGINT, reload on SIGHUP |
| `keyring`, `logging_setup`, `probe` | API keys; log output; the container's health check |
"""
