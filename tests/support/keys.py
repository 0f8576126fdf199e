"""Keys for tests: two owners' and an admin's."""

ALICE = "alice-0123456789abcdefgh"
BOB = "bob-0123456789abcdefghij"
ROOT = "root-0123456789abcdefghi"

ENTRIES = f"alice:{ALICE}, bob:{BOB}, root:{ROOT}:admin"


def bearer(key: str) -> dict[str, str]:
    """The header that a key is sent in."""
    return {"Authorization": f"Bearer {key}"}
