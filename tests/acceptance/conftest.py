"""What acceptance tests share: a running service, and gates for the tasks that wait for one."""

from tests.support.running_service import api, gate, server

__all__ = ["api", "gate", "server"]
