"""What `GET /metrics` tells, as Prometheus's own parser reads it."""

from prometheus_client.parser import text_string_to_metric_families

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]
"""By name and labels."""


def read(text: str) -> Samples:
    """Every sample. Raises `AssertionError` where one is there twice."""
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    found = {(sample.name, frozenset(sample.labels.items())): sample.value for sample in samples}
    assert len(found) == len(samples), "a sample is there twice"
    return found


def value(samples: Samples, name: str, **labels: str) -> float:
    """Of one sample. Raises `KeyError` where it is not told."""
    return samples[name, frozenset(labels.items())]


def counts(samples: Samples, name: str, label: str) -> dict[str, float]:
    """What a counter of one label has counted, by that label; nothing of what is still at 0."""
    return {dict(labels)[label]: count for (sample, labels), count in samples.items() if sample == name and count}


def fallen(before: Samples, after: Samples) -> list[tuple[str, frozenset[tuple[str, str]]]]:
    """What should only grow, and did not."""
    growing = ("_total", "_bucket", "_count", "_sum")
    return [key for key, was in before.items() if key[0].endswith(growing) and after[key] < was]
