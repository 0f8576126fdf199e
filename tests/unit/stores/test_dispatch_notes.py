"""Notes of dispatched attempts: what the next start reads after a kill."""

import errno
import os
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offload.jobs.model import AttemptKey
from offload.stores.journal.dispatch_notes import SLOT_BYTES, DispatchNotes

JOB = "0192f0c1-2345-7abc-8def-0123456789ab"

keys = st.lists(st.builds(AttemptKey, st.uuids().map(str), st.integers(1, 100)), min_size=1, max_size=32)


def earlier(path: Path) -> frozenset[AttemptKey]:
    """Returns what a new service reads."""
    notes = DispatchNotes(path)
    notes.close()
    return notes.earlier


def written(path: Path, *groups: Sequence[AttemptKey]) -> DispatchNotes:
    notes = DispatchNotes(path)
    for number, group in enumerate(groups):
        assert notes.write(group) == number
    return notes


@given(groups=st.lists(keys, max_size=40), ended=st.sets(st.integers(0, 39)))
def test_notes_whose_attempts_have_not_ended_are_read(
    tmp_path_factory: pytest.TempPathFactory, groups: list[list[AttemptKey]], ended: set[int]
) -> None:
    path = tmp_path_factory.mktemp("notes") / "dispatched"
    notes = written(path, *groups)
    for number in sorted(ended & set(range(len(groups)))):
        notes.forget(number)
    left = [key for number, group in enumerate(groups) if number not in ended for key in group]
    assert earlier(path) == frozenset(left)
    notes.close()


def test_a_slot_is_used_again(tmp_path: Path) -> None:
    path = tmp_path / "dispatched"
    notes = written(path, [AttemptKey(JOB, 1)] * 32)
    for attempt in range(2, 100):
        notes.forget(0)
        assert notes.write([AttemptKey(JOB, attempt)]) == 0
        assert earlier(path) == {AttemptKey(JOB, attempt)}
    notes.close()


def test_the_notes_of_an_earlier_service_are_forgotten(tmp_path: Path) -> None:
    path = tmp_path / "dispatched"
    written(path, *([AttemptKey(JOB, number)] for number in range(1, 40))).close()
    notes = DispatchNotes(path)
    assert len(notes.earlier) == 39
    notes.forget_earlier()
    assert notes.earlier == frozenset()
    assert earlier(path) == frozenset()
    notes.close()


@given(place=st.integers(0, 40), value=st.integers(1, 255))
def test_a_damaged_note_is_left_out(tmp_path_factory: pytest.TempPathFactory, place: int, value: int) -> None:
    path = tmp_path_factory.mktemp("notes") / "dispatched"
    written(path, [AttemptKey(JOB, 1)], [AttemptKey(JOB, 2)]).close()
    content = bytearray(path.read_bytes())
    content[place] ^= value
    path.write_bytes(content)
    assert earlier(path) == {AttemptKey(JOB, 2)}


def test_a_file_that_ends_anywhere_is_read_up_to_there(tmp_path: Path) -> None:
    path = tmp_path / "dispatched"
    written(path, [AttemptKey(JOB, 1)], [AttemptKey(JOB, 2)]).close()
    content = path.read_bytes()
    for end in (0, 1, 8, 30, SLOT_BYTES, SLOT_BYTES + 1, SLOT_BYTES + 9):
        path.write_bytes(content[:end])
        assert earlier(path) == ({AttemptKey(JOB, 1)} if end >= SLOT_BYTES else frozenset())


def test_a_full_disk_refuses_a_note_and_takes_the_next_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "dispatched"
    notes = written(path, [AttemptKey(JOB, 1)])

    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "pwrite", full)
        assert notes.write([AttemptKey(JOB, 2)]) is None
    assert notes.write([AttemptKey(JOB, 3)]) == 1
    assert earlier(path) == {AttemptKey(JOB, 1), AttemptKey(JOB, 3)}
    notes.close()


def test_a_path_that_can_not_be_opened_refuses_every_note(tmp_path: Path) -> None:
    notes = DispatchNotes(tmp_path / "missing" / "dispatched")
    assert notes.earlier == frozenset()
    assert notes.write([AttemptKey(JOB, 1)]) is None
    notes.forget_earlier()
    notes.close()


def test_more_keys_than_a_slot_has_space_for_are_refused(tmp_path: Path) -> None:
    notes = DispatchNotes(tmp_path / "dispatched")
    assert notes.write([AttemptKey(JOB, 1)] * 200) is None
    assert notes.write([AttemptKey(JOB, 1)] * 32) == 0
    notes.close()
