"""What a caller may see."""

from offload.jobs.caller import ANONYMOUS, Caller


def test_an_owner_sees_its_own() -> None:
    alice = Caller("alice")
    assert [alice.sees(owner) for owner in ("alice", "bob", None)] == [True, False, False]


def test_an_admin_sees_all_owners_and_the_anonymous_one() -> None:
    root = Caller("root", admin=True)
    assert [root.sees(owner) for owner in ("alice", "root", None)] == [True, True, True]


def test_without_keys_every_caller_sees_everything() -> None:
    assert [ANONYMOUS.sees(owner) for owner in ("alice", None)] == [True, True]
