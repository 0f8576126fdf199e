"""The use cases of batches: jobs accepted together, counted together, cancelled together.

The journal counts a batch's members in the transactions that change them, so each answer is read there. In memory there
is only which members are live: enough to know, without asking the disk, when the last one ends.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial

from offload.errors import BatchNotFoundError, JobLiveError, ProblemError
from offload.jobs.acceptance.admission import Capacity, Submission
from offload.jobs.acceptance.idempotency import BatchDigest, IdempotencyKeys
from offload.jobs.acceptance.intake import Intake, Offer
from offload.jobs.caller import Caller
from offload.jobs.changes.follow import follow
from offload.jobs.changes.notifier import ChangeNotifier
from offload.jobs.dispatch.canceller import Canceller
from offload.jobs.dispatch.dispatcher import Dispatcher
from offload.jobs.dispatch.queue import most_expensive_first
from offload.jobs.interfaces import BatchPage, IdempotencyKey, Journal, Member
from offload.jobs.model import Batch, BatchKind, Job, State
from offload.jobs.service import JobService
from offload.tasks.definition import Examined

MOST_MEMBERS = 10_000

AT_ONCE = 100
"""Members dealt with before others have their turn: about a millisecond."""

REMOVED_AT_ONCE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchSubmission:
    """A request to accept jobs together. Each member has the owner and, among its own, the labels of the batch."""

    members: Sequence[Submission]
    """One to `MOST_MEMBERS`."""
    examined: Sequence[Examined] | None = None
    """What is known of each member already; None: the tasks look it up, and refuse the batch if something is wrong."""
    kind: BatchKind = "jobs"
    labels: Sequence[str] = ()
    owner: str | None = None
    key: str | None = None
    """The client's `Idempotency-Key`."""
    content: bytes = b""
    """What the client sent, where the same request may give other members the next time: makes it the same one."""
    source: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptedBatch:
    """The answer to a submission: its batch, and whether an earlier request with the same key had made it."""

    batch: Batch
    replayed: bool = False


@dataclass(slots=True)
class BatchService:
    """Everything that can be done with batches. What is done with single jobs is the `JobService`'s."""

    jobs: JobService
    journal: Journal
    dispatcher: Dispatcher
    canceller: Canceller
    changes: ChangeNotifier
    intake: Intake
    capacity: Capacity
    keys: IdempotencyKeys
    _arriving: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    """Batches that are in the journal, or about to be, and not yet wholly in the queue."""

    async def submit(self, submission: BatchSubmission) -> AcceptedBatch:
        """Accepts all members or none: when this returns, they are on disk.

        Raises what `JobService.submit` raises, with the place of the member among the `errors`.
        """
        key = await self._identify(submission)
        if key is not None and (known := await self._replay(key)):
            return known
        self.jobs.check_open()
        offers = await self._offers(submission)
        with (
            self.capacity.reserve(submission.owner, [offer.params for offer in offers]),
            ExitStack() as reading,
        ):
            batch = self._batch(submission)
            jobs = await self._make(submission, offers, batch.id, reading)
            written = self.journal.add(jobs, key, batch)
            arriving = self._arriving[batch.id] = asyncio.create_task(self._take_on(jobs, written))
            arriving.add_done_callback(lambda _: self._arriving.pop(batch.id))
            await asyncio.shield(arriving)
        return AcceptedBatch(batch=batch)

    async def replay(self, submission: BatchSubmission) -> AcceptedBatch | None:
        """What an earlier request with the same key has made. It is known by its `content`; `members` may be missing.

        Raises `IdempotencyKeyReusedError`. For those who find the members by work that a replay should not need.
        """
        key = await self._identify(submission)
        return None if key is None else await self._replay(key)

    async def _replay(self, key: IdempotencyKey) -> AcceptedBatch | None:
        known = await self.keys.find(key)
        batch = await self.journal.get_batch(known.batch_id) if known and known.batch_id else None
        return AcceptedBatch(batch=batch, replayed=True) if batch else None

    async def _identify(self, submission: BatchSubmission) -> IdempotencyKey | None:
        if submission.key is None:
            return None
        digest = BatchDigest(submission.kind, submission.labels, submission.content)
        for begin in range(0, 0 if submission.content else len(submission.members), AT_ONCE):
            digest.update(submission.members[begin : begin + AT_ONCE])
            await asyncio.sleep(0)
        return digest.identify(submission.owner, submission.key)

    async def _offers(self, submission: BatchSubmission) -> Sequence[Offer]:
        offers = []
        for place, member in enumerate(submission.members):
            if place % AT_ONCE == 0:
                await asyncio.sleep(0)
            with naming(place):
                offers.append(self.intake.offer(member))
        return offers

    async def _make(
        self, submission: BatchSubmission, offers: Sequence[Offer], batch_id: str, reading: ExitStack
    ) -> list[Job]:
        jobs: list[Job] = []
        for begin in range(0, len(submission.members), AT_ONCE):
            members = submission.members[begin : begin + AT_ONCE]
            if submission.examined is not None:
                examined = submission.examined[begin : begin + AT_ONCE]
            else:
                examined = await self._examine(members, begin, reading)
            jobs += map(self.intake.job, members, offers[begin:], examined, [batch_id] * len(members))
            await asyncio.sleep(0)
        return jobs

    async def _examine(self, members: Sequence[Submission], begin: int, reading: ExitStack) -> Sequence[Examined]:
        """Looks all of them up in one thread. Raises what the first that is wrong raises.

        The uploads that they read can't go until `reading` ends.
        """
        if not any(member.task.examine for member in members):
            return [Examined()] * len(members)

        def examine() -> Sequence[Examined]:
            found = []
            for place, member in enumerate(members, begin):
                with naming(place):
                    found.append(self.intake.examine(member))
            return found

        examined = await asyncio.to_thread(examine)
        for place, (member, found) in enumerate(zip(members, examined, strict=True), begin):
            with naming(place):
                if found.upload is not None:
                    reading.enter_context(self.dispatcher.live.reading(found.upload))
                await self.intake.check_upload(found.upload, member.owner)
        return examined

    def _batch(self, submission: BatchSubmission) -> Batch:
        size = len(submission.members)
        return Batch(
            id=self.intake.new_id(),
            kind=submission.kind,
            size=size,
            created_at=self.intake.clock(),
            owner=submission.owner,
            labels=tuple(dict.fromkeys(submission.labels)),
            source=submission.source,
            counts={**dict.fromkeys(State, 0), State.QUEUED: size},
        )

    async def _take_on(self, jobs: Sequence[Job], written: Awaitable[None]) -> None:
        """Queues a batch once it is on disk, also where its client has gone in the meantime."""
        with ExitStack() as reading:
            for upload in {job.upload for job in jobs}:
                reading.enter_context(self.dispatcher.live.reading(upload))
            await written
            for number, job in enumerate(most_expensive_first(jobs), 1):
                self.dispatcher.accept(job)
                if number % AT_ONCE == 0:
                    await asyncio.sleep(0)

    async def _arrived(self, batch_id: str) -> None:
        """Waits until a batch that is in the journal is wholly in the queue, too: for an instant, after its 202."""
        if arriving := self._arriving.get(batch_id):
            await asyncio.shield(arriving)

    async def get(self, caller: Caller, batch_id: str) -> Batch:
        """The batch. Raises `BatchNotFoundError`, also for another owner's."""
        if self.dispatcher.live.members(batch_id):
            await self.dispatcher.flush_starts()
        batch = await self.journal.get_batch(batch_id)
        if batch is None or not caller.sees(batch.owner):
            raise BatchNotFoundError(f"There is no batch {batch_id!r}.")
        return batch

    async def list(self, caller: Caller, limit: int, before: int | None) -> BatchPage:
        """A page of the batches that the caller may see, newest first."""
        return await self.journal.list_batches(caller.only, limit, before)

    async def wait(self, caller: Caller, batch_id: str, seconds: float) -> Batch:
        """The batch as soon as no member is live, or as it is after `seconds`, or when the service stops."""
        await self.get(caller, batch_id)
        with self.changes.watch(batch_id) as changed, suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._arrived(batch_id)
                while self.dispatcher.live.members(batch_id) and not self.changes.closed:
                    await changed.wait()
                    changed.clear()
        return await self.get(caller, batch_id)

    def follow(self, caller: Caller, batch_id: str) -> AsyncGenerator[Batch | None, None]:
        """The batch at once and then its news, the last time when it is done: see `following.follow`."""
        live = self.dispatcher.live
        return follow(
            self.changes,
            batch_id,
            partial(self.get, caller, batch_id),
            at_once=lambda _: not live.members(batch_id),
            ended=lambda batch: batch.done,
        )

    async def members(self, batch_id: str) -> AsyncIterator[Sequence[Member]]:
        """All members in the order of submission, each as it is at that moment, some at a time."""
        begin = 0
        while members := await self.journal.members(batch_id, begin, AT_ONCE):
            yield [Member(place, self.jobs.newest(job)) for place, job in members]
            begin = members[-1].place + 1

    async def cancel(self, caller: Caller, batch_id: str) -> Batch:
        """Cancels every live member; their processes are gone when this returns. One that is done stays as it is."""
        await self.get(caller, batch_id)
        await self._arrived(batch_id)
        await self.canceller.cancel_batch(batch_id)
        return await self.get(caller, batch_id)

    async def delete(self, caller: Caller, batch_id: str) -> None:
        """Forgets a batch with all its members, their results and uploads. Raises `JobLiveError` while one is live.

        Where that is cut short, by a full disk or a crash, what is left of the batch can be deleted again.
        """
        batch = await self.get(caller, batch_id)
        if not batch.done:
            live = batch.size - batch.ended
            raise JobLiveError(
                f"{live} jobs of batch {batch_id} are live. Cancel it first: POST /batches/{batch_id}/cancel."
            )
        while gone := await self.journal.remove_batch(batch_id, REMOVED_AT_ONCE):
            await self.jobs.forget(*gone)

    def fraction(self, batch: Batch) -> float:
        """How far a batch has come, from 0 to 1: what has ended, and the parts of what runs."""
        if batch.done:
            return 1.0
        running = (self.jobs.progress(job) for job in self.dispatcher.running_members(batch.id))
        parts = (one.done / one.total for one in running if one and one.done is not None and one.total)
        return min(1.0, (batch.ended + sum(parts)) / batch.size)


@contextmanager
def naming(place: int) -> Iterator[None]:
    """Has a problem of one member say which member's it is: parameters are below `params` there, options beside it."""
    try:
        yield
    except ProblemError as error:
        errors = None if error.errors is None else [{**one, "loc": _below(place, one["loc"])} for one in error.errors]
        raise type(error)(f"jobs.{place}: {error.detail}", errors=errors, retry_after=error.retry_after) from None


def _below(place: int, loc: object) -> list[object]:
    """Where in a batch a member's `loc` is; it is always a list, which the type of `errors` does not tell."""
    part, *rest = loc if isinstance(loc, list | tuple) else [loc]
    return ["body", "jobs", place, *(["params"] if part == "body" else []), *rest]
