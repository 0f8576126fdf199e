"""The command line of a service that runs somewhere: each file is a command or a few of one kind.

They call `offload.client` and write what comes back: for people where stdout is a
terminal, for scripts where it is not.
"""
