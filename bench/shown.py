"""Reads jobs from responses, which have the same form for all contenders."""

import re

from bench.load import Answer, Conversation, get

_ID = re.compile(rb'"id":"?([^",}]+)')


def id_of(answer: Answer) -> str:
    """Returns the id of the job in a response. Searches instead of parsing, to leave the cores to the contender."""
    found = _ID.search(answer.body)
    if found is None:
        raise RuntimeError(f"no id in {answer.body[:300]!r}")
    return found[1].decode()


def has_ended(answer: Answer) -> bool:
    """Returns True if the job has succeeded. Raises RuntimeError for another end."""
    if b'"state":"succeeded"' in answer.expect(200, 202).body:
        return True
    if b'"state":"failed"' in answer.body or b'"state":"cancelled"' in answer.body:
        raise RuntimeError(f"a job has not succeeded: {answer.body[:1000]!r}")
    return False


def until_ended(path: str, pause: float = 0.001) -> Conversation:
    """Polls a job until it has ended."""
    while not has_ended((yield get(path))):
        yield pause
