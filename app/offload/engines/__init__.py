"""How attempts are run: implementations of `jobs.interfaces.Engine`."""
