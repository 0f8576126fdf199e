"""Ids: version 7, in order, also when the clock does not go forward."""

import uuid

from hypothesis import given
from hypothesis import strategies as st

from offload.jobs.ids import new_ids
from offload.tasks.context import is_uuid


@given(st.lists(st.integers(0, 2**60), min_size=2, max_size=50))
def test_ids_increase_whatever_the_clock_does(times: list[int]) -> None:
    clock = iter(times)
    new_id = new_ids(lambda: next(clock))
    made = [new_id() for _ in times]
    assert made == sorted(set(made))
    assert all(is_uuid(job_id) and uuid.UUID(job_id).version == 7 for job_id in made)
    assert {uuid.UUID(job_id).variant for job_id in made} == {uuid.RFC_4122}


def test_an_id_begins_with_its_milliseconds() -> None:
    assert new_ids(lambda: 1_700_000_000_123_456_789)().replace("-", "").startswith(f"{1_700_000_000_123:012x}7")


def test_only_the_written_form_may_become_a_file_name() -> None:
    text = new_ids()()
    assert is_uuid(text)
    assert not any(map(is_uuid, (text.upper(), text.replace("-", ""), f"{{{text}}}", "", "x", text + "\n", "../etc")))
