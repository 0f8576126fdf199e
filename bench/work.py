"""The work that is measured."""


def noop() -> None:
    """Nothing at all: what is left is the cost of being a job."""
