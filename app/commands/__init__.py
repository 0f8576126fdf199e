"""The command line of a service that runs somewhere: each file is a command or a few of one kind.

They say what is to be done to `app.client`, and write what comes back: for people where stdout is a terminal, and for
scripts where it is none.
"""
