"""`RemoteExecutor`: an executor of `concurrent.futures` whose worker processes are those of a service."""

from offload.client.executor.executor import RemoteExecutor
from offload.client.executor.futures import RemoteFuture

__all__ = ["RemoteExecutor", "RemoteFuture"]
