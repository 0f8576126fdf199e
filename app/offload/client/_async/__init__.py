"""The client for asyncio. It is the source of `offload.client._sync`: see `tests/client/generate_sync.py`."""
