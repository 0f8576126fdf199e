"""Keys of two owners and an admin."""

ALICE = "alice-0123456789abcdefgh"
BOB = "bob-0123456789abcdefghij"
ROOT = "root-0123456789abcdefghi"

ENTRIES = f"alice:{ALICE}, bob:{BOB}, root:{ROOT}:admin"


def bearer(key: str) -> dict[str, str]:
    """Returns the header with a key."""
    return {"Authorization": f"Bearer {key}"}
