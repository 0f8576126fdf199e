"""The same `Idempotency-Key` and request give the same job or batch.

A key is kept as long as its job or batch, and at least as long as `Settings.idempotency_s`.
"""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from decimal import Decimal

from offload.errors import IdempotencyInFlightError, IdempotencyKeyReusedError
from offload.jobs.acceptance.submission import Submission
from offload.jobs.interfaces import IdempotencyKey, Journal, KnownKey
from offload.options import identifying

IN_FLIGHT_WAIT_S = 5.0
"""How long a second request with a key waits for the response to the first one."""


ParamsIdentity = Callable[[Submission], bytes]
"""Returns what makes the parameters of two submissions the same."""


def params_as_sent(submission: Submission) -> bytes:
    """Return the parameters as they were sent, whatever the order of names in objects and the escapes in text."""
    return ascii(_NAMES_SORTED.decode(submission.params.decode())).encode()


def params_as_read(submission: Submission) -> bytes:
    """Return what the task's model read. Journals of earlier versions hold fingerprints of this."""
    try:
        return submission.task.dump(submission.values)
    except Exception:  # from the user's own serializers: earlier versions did not accept such parameters
        return b""


_NAMES_SORTED = json.JSONDecoder(object_pairs_hook=lambda pairs: tuple(sorted(pairs)), parse_float=Decimal)
"""Decodes an object to a tuple. Numbers stay exact: 1.10 and 1.1 may differ for a task."""


def identify(submission: Submission, params: ParamsIdentity = params_as_sent) -> IdempotencyKey | None:
    """Return the submission's key with a digest of all that makes two submissions the same; None without a key."""
    if submission.key is None:
        return None
    fingerprint = hashlib.blake2b(_identity(submission, params), digest_size=16).digest()
    return IdempotencyKey(owner=submission.owner, key=submission.key, fingerprint=fingerprint)


def _identity(submission: Submission, params: ParamsIdentity) -> bytes:
    """Return all that makes two submissions the same. Journals hold fingerprints of these bytes."""
    options, later = identifying(submission.options)
    options["labels"] = sorted(options["labels"])
    values = json.dumps([submission.task.name, *options.values(), *([later] if later else [])])
    return b"\0".join((values.encode(), submission.content, b"" if submission.content else params(submission)))


class BatchDigest:
    """The digest of all that makes two batches the same. It takes the members in portions."""

    def __init__(
        self, kind: str, labels: Iterable[str], content: bytes, params: ParamsIdentity = params_as_sent
    ) -> None:
        self._params = params
        self._digest = hashlib.blake2b(json.dumps(["batch", kind, sorted(labels)]).encode(), digest_size=16)
        self._digest.update(content)

    def update(self, members: Iterable[Submission]) -> None:
        """Take the next members."""
        for member in members:
            identity = _identity(member, self._params)
            self._digest.update(b"%d\0" % len(identity) + identity)

    def identify(self, owner: str | None, key: str) -> IdempotencyKey:
        """Return the key with the digest."""
        return IdempotencyKey(owner=owner, key=key, fingerprint=self._digest.digest())


def _is(known: KnownKey, key: IdempotencyKey | None) -> bool:
    return key is not None and known.fingerprint == key.fingerprint


class IdempotencyKeys:
    """Looks keys up in the journal, and lets one request at a time use a key."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._held: dict[tuple[str | None, str], asyncio.Event] = {}

    async def find(
        self, key: IdempotencyKey, earlier: Callable[[], Awaitable[IdempotencyKey | None]]
    ) -> KnownKey | None:
        """Return what the key stands for. Raises `IdempotencyKeyReusedError` if it stands for another request.

        `earlier` returns the key with the fingerprint of `params_as_read`.
        """
        known = await self._journal.find_key(key.owner, key.key)
        if known is not None and known.fingerprint != key.fingerprint and not _is(known, await earlier()):
            made = f"job {known.job_id}" if known.job_id else f"batch {known.batch_id}"
            raise IdempotencyKeyReusedError(f"The key {key.key!r} was used for another request, which made {made}.")
        return known

    @asynccontextmanager
    async def hold(self, owner: str | None, key: str | None) -> AsyncIterator[None]:
        """Let one request at a time use a key; nothing happens without a key.

        Raises `IdempotencyInFlightError` if another request holds the key for longer than `IN_FLIGHT_WAIT_S`.
        """
        if key is None:
            yield
            return
        try:
            async with asyncio.timeout(IN_FLIGHT_WAIT_S):
                while (other := self._held.get((owner, key))) is not None:
                    await other.wait()
        except TimeoutError:
            detail = f"A request with the key {key!r} is still being processed."
            raise IdempotencyInFlightError(detail, retry_after=1) from None
        released = self._held[owner, key] = asyncio.Event()
        try:
            yield
        finally:
            del self._held[owner, key]
            released.set()
