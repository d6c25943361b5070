"""The committed gates, as their records tell them."""

from __future__ import annotations

import pytest

from covid_model import records
from covid_model.model import ood, registry


@pytest.mark.parametrize("name", registry.names())
def test_the_committed_detectors_meet_their_targets(name):
    record = records.load_experiment(name, "novelty")
    if record is None or ood.load_detector(registry.spec(name)) is None:
        pytest.skip(f"no gate of {name}, or no record of it")
    genuine = next(item["flagged"]["value"] for item in record["genuine"] if item["split"] == "test")
    assert genuine <= record["wanted"]["genuine"]
    assert record["every_other"]["value"] >= 0.97 and record["mean_of_kinds"] >= record["wanted"]["other"]
    for kind, result in record["other"].items():
        assert result["flagged"]["value"] >= 0.9, kind
