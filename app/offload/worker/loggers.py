"""`logging` as a task finds it: heard from INFO on, else as the modules of tasks have set it up at their import."""

import logging
import sys
from collections.abc import Iterator
from typing import Any


class Loggers:
    """Remembers how all loggers were, and puts back what an attempt has changed; made after the tasks are imported."""

    def __init__(self, listener: logging.Handler) -> None:
        root = logging.getLogger()
        self._root = root
        self._level = logging.INFO if root.level == logging.WARNING else root.level  # WARNING is what nobody has set
        self._handlers = [*(handler for handler in root.handlers if not _prints(handler)), listener]
        self._before = {logger.name: ([*logger.handlers], logger.propagate, logger.disabled) for logger in _named()}
        self._made = [*_made()]

    def restore(self) -> None:
        """Undoes what concerns all tasks, and handlers, which would add up. Levels of named loggers stay as they are.

        Those are looked at only where handlers have come or gone, as they do when loggers are disabled.
        """
        root = self._root
        if root.handlers != self._handlers or root.level != self._level or root.manager.disable != logging.NOTSET:
            root.handlers = [*self._handlers]
            root.setLevel(self._level)
            logging.disable(logging.NOTSET)
        if _made() != self._made:
            for logger in _named():
                handlers, logger.propagate, logger.disabled = self._before.get(logger.name, ([], True, False))
                logger.handlers = [*handlers]
            self._made = [*_made()]


def _prints(handler: logging.Handler) -> bool:
    """True for one as `basicConfig` makes it: on stderr, everything would be told twice."""
    return type(handler) is logging.StreamHandler and handler.stream in (sys.stdout, sys.stderr)


def _named() -> Iterator[logging.Logger]:
    known = [*logging.root.manager.loggerDict.values()]
    return (logger for logger in known if isinstance(logger, logging.Logger))


def _made() -> list[Any]:
    """References to all handlers that there are, as `logging` keeps them: a look at each logger takes far longer."""
    made: list[Any] = logging._handlerList  # type: ignore[attr-defined]  # noqa: SLF001
    return made
