"""The metrics of `GET /metrics`, read by Prometheus's own parser."""

from prometheus_client.parser import text_string_to_metric_families

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]
"""By name and labels."""


def read(text: str) -> Samples:
    """Returns every sample. Raises `AssertionError` for a duplicate."""
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    found = {(sample.name, frozenset(sample.labels.items())): sample.value for sample in samples}
    assert len(found) == len(samples), "a sample is there twice"
    return found


def value(samples: Samples, name: str, **labels: str) -> float:
    """Returns the value of one sample. Raises `KeyError` if it is missing."""
    return samples[name, frozenset(labels.items())]


def counts(samples: Samples, name: str, label: str) -> dict[str, float]:
    """Returns the values of a counter with one label, by that label, without zeros."""
    return {dict(labels)[label]: count for (sample, labels), count in samples.items() if sample == name and count}


def fallen(before: Samples, after: Samples) -> list[tuple[str, frozenset[tuple[str, str]]]]:
    """Returns the counters that have decreased."""
    growing = ("_total", "_bucket", "_count", "_sum")
    return [key for key, was in before.items() if key[0].endswith(growing) and after[key] < was]
