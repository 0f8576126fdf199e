"""The drawn results."""

import re
from pathlib import Path
from xml.etree import ElementTree as ET

from bench.contenders import NAIVE, OFFLOAD
from bench.figures import Figure, Results
from bench.pictures import draw

SVG = "{http://www.w3.org/2000/svg}"
RESULTS = Results(
    {},
    [
        Figure("burst", NAIVE.name, "jobs/s", (100,)),
        Figure("burst", OFFLOAD.name, "jobs/s", (200, 400)),
        Figure("burst", "Tom & Co", "jobs/s", (10,)),
    ],
    keeps={OFFLOAD.name: OFFLOAD.keeps},
)


def test_only_what_was_measured_is_drawn(tmp_path: Path) -> None:
    assert draw(RESULTS, tmp_path / "new") == [tmp_path / "new/burst.svg"]


def test_the_best_comes_first_ours_is_marked_and_lengths_are_true(tmp_path: Path) -> None:
    (path,) = draw(RESULTS, tmp_path)
    bars = ET.parse(path).getroot().findall(f"{SVG}rect")  # noqa: S314  # it is our own
    assert [bar.get("class") for bar in bars] == ["ours", "bar", "bar"]
    lengths = [float(bar.get("width", "0")) for bar in bars]
    assert [round(length / lengths[1], 2) for length in lengths] == [3.0, 1.0, 0.1]


def test_a_picture_is_for_light_and_dark_and_loads_nothing(tmp_path: Path) -> None:
    (path,) = draw(RESULTS, tmp_path)
    text = path.read_text()
    assert "prefers-color-scheme: dark" in text
    assert re.findall(r"https?://[^\"]+", text) == ["http://www.w3.org/2000/svg"]
    assert "Tom &amp; Co" in text
