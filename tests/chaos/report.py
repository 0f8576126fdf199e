"""What a run came to, as a table for people."""

from collections import Counter
from collections.abc import Iterator

from tests.chaos.run import Run

COUNTED = ("lost", "stuck", "doubled", "left behind")
"""What the sentences of broken facts begin with."""


def table(run: Run) -> str:
    return "\n".join(_rows(run))


def _rows(run: Run) -> Iterator[str]:
    ledger, struck = run.ledger, run.attacker.struck
    yield f"seed {run.plan.seed}: {sum(struck.values())} faults in {run.seconds:.0f} s"
    for fault, count in struck.most_common():
        missed = run.attacker.missed[fault]
        yield _row(fault, count) + (f"  ({missed} more: already gone)" if missed else "")
    yield f"jobs: {run.jobs}"
    for state, count in ledger.states().most_common():
        yield _row(state, count)
    yield _row("of them with more than one attempt", ledger.retried())
    yield _row("submissions repeated with their key", ledger.replayed)
    yield _row("submissions refused", len(ledger.refused))
    yield _row("submissions without an answer", sum(line.answer_lost for line in ledger.lines.values()))
    kinds = Counter(sentence.partition(":")[0] for sentence in run.broken)
    for kind in COUNTED:
        yield _row(kind, kinds[kind])
    yield "times: median, longest, of how many"
    for what, (count, middle, longest) in run.times.worst().items():
        yield f"  {what:<44}{middle:>8.3f} s{longest:>9.3f} s{count:>7}"
    if run.before and run.after:
        yield "the front desk holds, when warm and at the end"
        yield f"  {'descriptors':<44}{run.before.descriptors:>8}  {run.after.descriptors:>9}"
        yield f"  {'threads':<44}{run.before.threads:>8}  {run.after.threads:>9}"
        yield f"  {'MiB':<44}{run.before.mib:>8}  {run.after.mib:>9}"


def _row(what: str, count: int) -> str:
    return f"  {what:<44}{count:>8}"
