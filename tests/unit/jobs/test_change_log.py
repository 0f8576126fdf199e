"""The log of changes: every reader, wherever it stops and resumes, learns the last change of every job."""

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule

from offload.jobs.changes.log import Change, ChangeLog

JOBS = st.sampled_from("abcd")
MOST = 2


@dataclass(eq=False)
class Reader:
    """The last change of each job that it has read, as a page would keep it."""

    position: int
    known: dict[str, int]
    told: set[int] = field(default_factory=set)


class Readers(RuleBasedStateMachine):
    """Jobs change and are deleted; readers read some changes at a time, stop anywhere and resume later."""

    readers = Bundle("readers")

    @initialize()
    def begin(self) -> None:
        self.log = ChangeLog(MOST)
        self.versions: dict[str, int] = {}

    @rule(job=JOBS, gone=st.booleans())
    def change(self, job: str, gone: bool) -> None:
        self.log.note(job, None, gone=gone)
        self.versions[job] = self.versions.get(job, 0) + 1

    @rule(job=JOBS)
    def forget(self, job: str) -> None:
        """There are no readers; later changes are not noted."""
        self.log.forget()
        self.versions[job] = self.versions.get(job, 0) + 1

    @rule(target=readers)
    def arrive(self) -> Reader:
        return Reader(self.log.last, dict(self.versions))

    @rule(reader=readers, limit=st.integers(1, 4))
    def read(self, reader: Reader, limit: int) -> None:
        """Read some changes; load everything again if the log is incomplete."""
        if not self.log.knows(reader.position):
            reader.position, reader.known = self.log.last, dict(self.versions)
            return
        for change in list(self.log.after(reader.position, self.log.last))[:limit]:
            assert change.number not in reader.told, "read twice"
            assert change.number > reader.position
            reader.told.add(change.number)
            reader.known[change.job_id] = self.versions[change.job_id]
            reader.position = change.number

    @rule(reader=readers)
    def read_all(self, reader: Reader) -> None:
        """Read the rest: no change is missing."""
        while reader.position < self.log.last:
            self.read(reader, 4)
        assert reader.known == self.versions

    @invariant()
    def each_job_is_there_once_and_not_too_many_are(self) -> None:
        changes = list(self.log.after(self.log.floor, self.log.last))
        assert len(changes) == len({change.job_id for change in changes}) == len(self.log) <= MOST
        assert all(map(self.log.is_newest, changes))


TestReaders = Readers.TestCase


@given(st.lists(JOBS))
def test_a_reader_at_the_end_reads_nothing(jobs: list[str]) -> None:
    log = ChangeLog(MOST)
    for job in jobs:
        log.note(job, None)
    assert list(log.after(log.last, log.last)) == []
    assert log.knows(log.last)
    assert not log.knows(log.last + 1)


def test_a_job_that_changed_often_is_read_once() -> None:
    log = ChangeLog()
    for _ in range(3):
        log.note("a", "alice")
    log.note("b", None, gone=True)
    assert list(log.after(0, log.last)) == [Change(3, "a", "alice", gone=False), Change(4, "b", None, gone=True)]
    assert list(log.after(0, 3)) == [Change(3, "a", "alice", gone=False)]


@pytest.mark.parametrize("position", [-1, 0, 1])
def test_a_position_before_dropped_changes_is_unknown(position: int) -> None:
    log = ChangeLog(2)
    for job in "abcd":
        log.note(job, None)
    assert not log.knows(position)
    assert log.knows(2)
    assert [change.job_id for change in log.after(2, log.last)] == ["c", "d"]


def test_after_forget_no_position_can_be_continued() -> None:
    log = ChangeLog()
    log.note("a", None)
    log.forget()
    assert not log.knows(1)
    assert log.knows(log.last)
    assert len(log) == 0
