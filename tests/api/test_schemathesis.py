"""The service held to its own document by schemathesis, over a real connection and with real lanes.

Every phase (examples, the borders of each schema, fuzzing, links followed from call to call) with every check; what
is allowed besides is in `tests/conformance`. New routes are found in the document. `make fuzz` is the long run.
"""

import re
from pathlib import Path

import pytest

from tests.conformance.run import run

SEED = 1
WITHIN_S = 240.0
"""Far beyond the 10 to 20 s that a run takes where nothing else uses the machine."""


@pytest.mark.parametrize("keys", [False, True], ids=["without-keys", "with-keys"])
def test_the_service_is_what_its_document_says(tmp_path: Path, keys: bool) -> None:
    said = run(tmp_path, seed=SEED, examples=10, keys=keys, within_s=WITHIN_S)
    print(said.text)
    assert said.code == 0
    for phase in ("Examples", "Coverage", "Fuzzing", "Stateful"):
        assert f"✅  {phase}" in said.text
    followed = re.search(r"API Links: +(\d+) covered", said.text)
    assert followed is not None
    assert int(followed[1]) >= 10
