"""Offload: CPU-bound Python work, run in processes, behind an HTTP API."""

__version__ = "0.1.0"
