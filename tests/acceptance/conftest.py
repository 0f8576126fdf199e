"""Fixtures of acceptance tests: a running service, and gates that tasks wait for."""

from tests.support.running_service import api, gate, server

__all__ = ["api", "gate", "server"]
