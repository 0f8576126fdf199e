"""A caller of the service and what it may see."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Caller:
    """The key that a request came with. `owner` owns what is submitted; None is the anonymous owner, without keys."""

    owner: str | None
    admin: bool = False
    """True: it sees the jobs of all owners."""
    key: bytes | None = field(default=None, repr=False)
    """The digest of the key, if there are keys. An owner may have several."""

    @property
    def only(self) -> str | None:
        """The one owner whose jobs it sees; None if it sees all."""
        return None if self.admin else self.owner

    def sees(self, owner: str | None) -> bool:
        """Return True if it may see what belongs to `owner`."""
        return self.only in (None, owner)


ANONYMOUS = Caller(owner=None)
"""Every caller of a service without keys."""
