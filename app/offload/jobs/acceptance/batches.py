"""Accepting a batch: all of its members or none."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial

from offload.errors import ProblemError
from offload.jobs.acceptance.idempotency import BatchDigest, ParamsIdentity, params_as_read, params_as_sent
from offload.jobs.acceptance.jobs import JobAcceptance
from offload.jobs.acceptance.submission import Submission, Terms, check_options
from offload.jobs.dispatch.queue import most_expensive_first
from offload.jobs.interfaces import Findings, IdempotencyKey
from offload.jobs.model import Batch, Job, State
from offload.options import SubmitOptions

MOST_MEMBERS = 10_000

SLICE = 100
"""Members that are processed before other work has its turn: about a millisecond."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Members:
    """The members of a batch."""

    submissions: Sequence[Submission]
    """One to `MOST_MEMBERS`. Each has the owner and, among its own, the labels of the batch."""
    findings: Sequence[Findings | None] | None = None
    """What is already known of each member. None: the tasks examine them, and a wrong member rejects the batch."""
    source: bytes | None = None
    """See `Batch.source`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchSubmission:
    """A request to accept jobs together."""

    members: Members | Callable[[], Awaitable[Members]]
    """The members, or a function that finds them. It is not called if an earlier request has made the batch."""
    kind: str = "jobs"
    """See `Batch.kind`."""
    options: SubmitOptions = field(default_factory=SubmitOptions)
    """The options that all members share. They are checked once, so that an error does not name a member."""
    labels: Sequence[str] = ()
    owner: str | None = None
    key: str | None = None
    """The client's `Idempotency-Key`."""
    content: bytes = b""
    """What makes two requests the same where their members have to be found."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptedBatch:
    """The batch of a submission."""

    batch: Batch
    replayed: bool = False
    """True if an earlier request with the same key has made it."""


@dataclass(slots=True, kw_only=True)
class BatchAcceptance:
    """Accepts batches by the steps that accept a job."""

    jobs: JobAcceptance

    async def accept(self, submission: BatchSubmission) -> AcceptedBatch:
        """See `BatchService.submit`."""
        async with self.jobs.keys.hold(submission.owner, submission.key):
            key = await self._identify(submission)
            if key is not None and (known := await self._replay(key, submission)):
                return AcceptedBatch(batch=known, replayed=True)
            self.jobs.check_open()
            check_options(submission.options, self.jobs.intake.limits)
            found = submission.members
            members = found if isinstance(found, Members) else await found()
            return AcceptedBatch(batch=await self._accept(submission, members, key))

    async def _identify(
        self, submission: BatchSubmission, params: ParamsIdentity = params_as_sent
    ) -> IdempotencyKey | None:
        if submission.key is None:
            return None
        digest = BatchDigest(submission.kind, submission.labels, submission.content, params)
        if isinstance(submission.members, Members):
            for begin in range(0, len(submission.members.submissions), SLICE):
                digest.update(submission.members.submissions[begin : begin + SLICE])
                await asyncio.sleep(0)
        return digest.identify(submission.owner, submission.key)

    async def _replay(self, key: IdempotencyKey, submission: BatchSubmission) -> Batch | None:
        known = await self.jobs.keys.find(key, partial(self._identify, submission, params_as_read))
        return await self.jobs.journal.get_batch(known.batch_id) if known and known.batch_id else None

    async def _accept(self, submission: BatchSubmission, members: Members, key: IdempotencyKey | None) -> Batch:
        terms = await self._terms(members.submissions)
        params = [member.params for member in members.submissions]
        with self.jobs.capacity.reserve(submission.owner, params), ExitStack() as reading:
            batch = self._new_batch(submission, members)
            jobs = await self._new_jobs(members, terms, batch.id, reading)
            written = self.jobs.journal.add(jobs, key, batch)
            arriving = self.jobs.arriving[batch.id] = asyncio.create_task(self._enqueue_once_written(jobs, written))
            arriving.add_done_callback(lambda _: self.jobs.arriving.pop(batch.id))
            await asyncio.shield(arriving)
        return batch

    async def _terms(self, submissions: Sequence[Submission]) -> Sequence[Terms]:
        terms = []
        for place, member in enumerate(submissions):
            if place % SLICE == 0:
                await asyncio.sleep(0)
            with naming_member(place):
                terms.append(self.jobs.intake.terms(member))
        return terms

    async def _new_jobs(
        self, members: Members, terms: Sequence[Terms], batch_id: str, reading: ExitStack
    ) -> Sequence[Job]:
        jobs: list[Job] = []
        for begin in range(0, len(members.submissions), SLICE):
            submissions = members.submissions[begin : begin + SLICE]
            if members.findings is None:
                findings = await self._examine(submissions, begin, reading)
            else:
                findings = members.findings[begin : begin + SLICE]
            jobs += map(self.jobs.intake.new_job, submissions, terms[begin:], findings, [batch_id] * len(submissions))
            await asyncio.sleep(0)
        return jobs

    async def _examine(
        self, submissions: Sequence[Submission], begin: int, reading: ExitStack
    ) -> Sequence[Findings | None]:
        """Examine all of them in one thread. Raises what the first wrong one raises.

        The uploads that they read can't be removed until `reading` ends.
        """
        if not any(member.task.examine for member in submissions):
            return [None] * len(submissions)
        intake, live = self.jobs.intake, self.jobs.dispatcher.live

        def examine() -> Sequence[Findings | None]:
            found = []
            for place, member in enumerate(submissions, begin):
                with naming_member(place):
                    found.append(intake.examine(member))
            return found

        findings = await asyncio.to_thread(examine)
        for place, (member, found) in enumerate(zip(submissions, findings, strict=True), begin):
            if found is not None and found.upload is not None:
                with naming_member(place):
                    reading.enter_context(live.reading(found.upload))
                    await intake.check_upload(found.upload, member.owner)
        return findings

    def _new_batch(self, submission: BatchSubmission, members: Members) -> Batch:
        size = len(members.submissions)
        return Batch(
            id=self.jobs.intake.new_id(),
            kind=submission.kind,
            size=size,
            created_at=self.jobs.intake.clock(),
            owner=submission.owner,
            labels=tuple(dict.fromkeys(submission.labels)),
            source=members.source,
            counts={**dict.fromkeys(State, 0), State.QUEUED: size},
        )

    async def _enqueue_once_written(self, jobs: Sequence[Job], written: Awaitable[None]) -> None:
        """Queue a batch once it is on disk, even if its client has gone in the meantime."""
        dispatcher = self.jobs.dispatcher
        with ExitStack() as reading:
            for upload in {job.upload for job in jobs}:
                reading.enter_context(dispatcher.live.reading(upload))
            await written
            for number, job in enumerate(most_expensive_first(jobs), 1):
                dispatcher.accept(job)
                if number % SLICE == 0:
                    await asyncio.sleep(0)


@contextmanager
def naming_member(place: int) -> Iterator[None]:
    """Add the place of a member to the `errors` of a problem. Its parameters are below `params`, its options not."""
    try:
        yield
    except ProblemError as error:
        errors = None if error.errors is None else [{**one, "loc": _below(place, one["loc"])} for one in error.errors]
        raise type(error)(f"jobs.{place}: {error.detail}", errors=errors, retry_after=error.retry_after) from None


def _below(place: int, loc: object) -> list[object]:
    """Return the place in a batch of a member's `loc`, which is always a list; the type does not say so."""
    part, *rest = loc if isinstance(loc, list | tuple) else [loc]
    return ["body", "jobs", place, *(["params"] if part == "body" else []), *rest]
