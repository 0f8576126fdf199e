"""What the answers of a contender say of a job: the same for all of them."""

import re

from bench.load import Answer, Conversation, get

_ID = re.compile(rb'"id":"?([^",}]+)')


def id_of(answer: Answer) -> str:
    """The id of the job that an answer shows. Found, not parsed: the work goes on meanwhile, on the same cores."""
    found = _ID.search(answer.body)
    if found is None:
        raise RuntimeError(f"no id in {answer.body[:300]!r}")
    return found[1].decode()


def has_ended(answer: Answer) -> bool:
    """Whether the job that is shown has succeeded; raises RuntimeError where it ended otherwise."""
    if b'"state":"succeeded"' in answer.expect(200, 202).body:
        return True
    if b'"state":"failed"' in answer.body or b'"state":"cancelled"' in answer.body:
        raise RuntimeError(f"a job has not succeeded: {answer.body[:1000]!r}")
    return False


def until_ended(path: str, pause: float = 0.001) -> Conversation:
    """Asks for a job again and again until it has ended."""
    while not has_ended((yield get(path))):
        yield pause
