"""Formats the outcome of a run as a table."""

from collections import Counter
from collections.abc import Iterator

from tests.chaos.begins import times_begun
from tests.chaos.plan import Fault
from tests.chaos.run import Run

COUNTED = ("lost", "stuck", "doubled", "began too often", "miscounted", "a wrong end", "a wrong result", "left behind")
"""The first words of the sentences of failed checks that are counted."""


def table(run: Run) -> str:
    return "\n".join(_rows(run))


def _rows(run: Run) -> Iterator[str]:
    ledger, injected = run.ledger, run.injector.injected
    yield f"seed {run.plan.seed}: {sum(injected.values())} faults in {run.seconds:.0f} s"
    for fault in Fault:
        missed = run.injector.missed[fault]
        yield _row(fault, injected[fault]) + (f"  ({missed} more missed)" if missed else "")
    yield f"jobs: {run.jobs}"
    for state, count in ledger.states().most_common():
        yield _row(state, count)
    yield _row("of them with more than one attempt", ledger.jobs_retried())
    for times, count in sorted(times_begun(ledger, run.begins).items()):
        yield _row(f"of them began {times} times, by their own record", count)
    yield _row("members cancelled while they arrived", ledger.arriving_cancelled)
    yield _row("submissions repeated with their key", ledger.replayed)
    yield _row("submissions refused", len(ledger.refused))
    yield _row("submissions without a response", sum(line.response_lost for line in ledger.lines.values()))
    kinds = Counter(sentence.partition(":")[0] for sentence in run.broken)
    for kind in COUNTED:
        yield _row(kind, kinds[kind])
    yield "times: median, longest, of how many"
    for what, (count, middle, longest) in run.times.worst().items():
        yield f"  {what:<44}{middle:>8.3f} s{longest:>9.3f} s{count:>7}"
    if run.before and run.after:
        yield "resources of the server, when warm and at the end"
        yield f"  {'descriptors':<44}{run.before.descriptors:>8}  {run.after.descriptors:>9}"
        yield f"  {'threads':<44}{run.before.threads:>8}  {run.after.threads:>9}"
        yield f"  {'MiB':<44}{run.before.mib:>8}  {run.after.mib:>9}"
        yield f"  {'files in run/':<44}{run.before.run_files:>8}  {run.after.run_files:>9}"


def _row(what: str, count: int) -> str:
    return f"  {what:<44}{count:>8}"
