"""The command line: each module here is one command or a group of commands.

They call `offload.client` and write what comes back: for people where stdout is a
terminal, for scripts where it is not.
"""
