"""Who asks, and what it may see."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Caller:
    """The owner of what it submits; None is nobody in particular, in a service without keys."""

    owner: str | None
    admin: bool = False
    """True: it sees everybody's."""
    key: bytes | None = field(default=None, repr=False)
    """The digest of the key that it called with, if there are keys: an owner may have several."""

    @property
    def only(self) -> str | None:
        """The one owner whose things it sees; None where it sees all."""
        return None if self.admin else self.owner

    def sees(self, owner: str | None) -> bool:
        """True where it may know of what belongs to `owner`."""
        return self.only in (None, owner)


ANONYMOUS = Caller(owner=None)
"""Every caller of a service without keys."""
