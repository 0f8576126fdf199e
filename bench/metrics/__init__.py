"""The metrics, one file each."""

from bench.metrics import batch, burst, cpu, digest, growth, idle, light, memory, poll, recovery, start, submit
from bench.runner import Metric

METRICS: tuple[Metric, ...] = tuple(
    module.METRIC for module in (burst, submit, poll, idle, cpu, light, digest, batch, recovery, memory, start, growth)
)
