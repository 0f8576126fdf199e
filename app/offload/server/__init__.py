"""Builds and runs the service: settings, composition, signals, the data directory, the container's probe."""
