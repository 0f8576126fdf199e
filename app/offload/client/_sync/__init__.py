# Generated from offload/client/_async/__init__.py by `make sync-client`. Edit that file instead.

"""The client for threads."""
