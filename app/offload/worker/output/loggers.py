"""The state of `logging` as a task finds it: INFO and above are captured, the rest is as the tasks' modules set it."""

import logging
import sys
from collections.abc import Iterator
from typing import Any


class LoggersState:
    """The state of all loggers after the import of the tasks. `restore` puts back what an attempt has changed."""

    def __init__(self, handler: logging.Handler) -> None:
        root = logging.getLogger()
        self._root = root
        self._level = logging.INFO if root.level == logging.WARNING else root.level  # WARNING is the default
        self._handlers = [*(each for each in root.handlers if not _prints(each)), handler]
        self._before = {logger.name: ([*logger.handlers], logger.propagate, logger.disabled) for logger in _named()}
        self._known = [*_all_handlers()]

    def restore(self) -> None:
        """Undo what affects all tasks, and remove added handlers, which would add up. Levels of named loggers stay.

        Named loggers are checked only when a handler was added or removed: disabling loggers does this, too.
        """
        root = self._root
        if root.handlers != self._handlers or root.level != self._level or root.manager.disable != logging.NOTSET:
            root.handlers = [*self._handlers]
            root.setLevel(self._level)
            logging.disable(logging.NOTSET)
        if _all_handlers() != self._known:
            for logger in _named():
                handlers, logger.propagate, logger.disabled = self._before.get(logger.name, ([], True, False))
                logger.handlers = [*handlers]
            self._known = [*_all_handlers()]


def _prints(handler: logging.Handler) -> bool:
    """Return True for a handler as `basicConfig` makes it: on stderr, every record would appear twice."""
    return type(handler) is logging.StreamHandler and handler.stream in (sys.stdout, sys.stderr)


def _named() -> Iterator[logging.Logger]:
    known = [*logging.root.manager.loggerDict.values()]
    return (logger for logger in known if isinstance(logger, logging.Logger))


def _all_handlers() -> list[Any]:
    """Return logging's own list of weak references to handlers. To look at each logger would take far longer."""
    handlers: list[Any] = logging._handlerList  # type: ignore[attr-defined]  # noqa: SLF001
    return handlers
