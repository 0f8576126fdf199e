"""Submitting twice without doing twice: the same `Idempotency-Key` and request give the same job or batch.

A key lives as long as its job's or batch's record, and at least as long as `Settings.idempotency_s`.
"""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

from offload.errors import IdempotencyInFlightError, IdempotencyKeyReusedError
from offload.jobs.acceptance.admission import Submission
from offload.jobs.interfaces import IdempotencyKey, Journal, KnownKey
from offload.jobs.model import BatchKind
from offload.options import identifying

IN_FLIGHT_WAIT_S = 5.0
"""A second request with a key waits this long for the first one to be answered."""


def identify(submission: Submission) -> IdempotencyKey | None:
    """The submission's key with a digest of all that makes it the same submission; None without a key."""
    if submission.key is None:
        return None
    fingerprint = hashlib.blake2b(_said(submission), digest_size=16).digest()
    return IdempotencyKey(owner=submission.owner, key=submission.key, fingerprint=fingerprint)


def _said(submission: Submission) -> bytes:
    """All that makes it the same submission."""
    options, later = identifying(submission.options)
    params = b"" if submission.content else submission.task.dump(submission.params)
    options["labels"] = sorted(options["labels"])
    said = json.dumps([submission.task.name, *options.values(), *([later] if later else [])])
    return b"\0".join((said.encode(), submission.content, params))


class BatchDigest:
    """The same for a batch: fed with what makes it the same submission, in portions."""

    def __init__(self, kind: BatchKind, labels: Iterable[str], content: bytes) -> None:
        self._digest = hashlib.blake2b(json.dumps(["batch", kind, sorted(labels)]).encode(), digest_size=16)
        self._digest.update(content)

    def update(self, members: Iterable[Submission]) -> None:
        """Takes the next members."""
        for member in members:
            said = _said(member)
            self._digest.update(b"%d\0" % len(said) + said)

    def identify(self, owner: str | None, key: str) -> IdempotencyKey:
        """The key with the digest of all that was taken."""
        return IdempotencyKey(owner=owner, key=key, fingerprint=self._digest.digest())


class IdempotencyKeys:
    """Looks keys up in the journal, and holds those that are being used for the first time right now."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._held: dict[tuple[str | None, str], asyncio.Event] = {}

    async def find(self, key: IdempotencyKey) -> KnownKey | None:
        """What the key stands for, if it has been used. Raises `IdempotencyKeyReusedError` for another request."""
        known = await self._journal.find_key(key.owner, key.key)
        if known is not None and known.fingerprint != key.fingerprint:
            became = f"job {known.job_id}" if known.job_id else f"batch {known.batch_id}"
            raise IdempotencyKeyReusedError(f"The key {key.key!r} was used for another request, which became {became}.")
        return known

    @asynccontextmanager
    async def hold(self, owner: str | None, key: str | None) -> AsyncIterator[None]:
        """Lets one request at a time use a key. Raises `IdempotencyInFlightError` after waiting for another in vain."""
        if key is None:
            yield
            return
        try:
            async with asyncio.timeout(IN_FLIGHT_WAIT_S):
                while (other := self._held.get((owner, key))) is not None:
                    await other.wait()
        except TimeoutError:
            detail = f"A request with the key {key!r} is still being answered."
            raise IdempotencyInFlightError(detail, retry_after=1) from None
        mine = self._held[owner, key] = asyncio.Event()
        try:
            yield
        finally:
            del self._held[owner, key]
            mine.set()
