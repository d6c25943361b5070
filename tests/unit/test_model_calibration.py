"""The temperature that a network's JSON holds, and what it does to a score."""

from __future__ import annotations

import json

import numpy as np
import pytest

from covid_model import records
from covid_model.model import registry
from covid_model.model.predictor import Prediction
from covid_model.model.registry import Calibration
from tests.support import mock_networks

RECORD = {
    "temperature": 2.0,
    "fitted_on": {"films": 40, "covid": 4, "scores": "its own"},
    "splits": {"test": {"helps": True}, "external": {"helps": False}},
}


def reading(logit: float) -> Prediction:
    return Prediction("paper", 1 / (1 + np.exp(-logit)), logit, np.zeros((2, 2)), (0, 0, 1, 1), (), 1.0)


def test_a_temperature_halves_the_logit():
    assert reading(2.0).calibrated(2.0) == pytest.approx(1 / (1 + np.exp(-1)))
    assert reading(1.5).calibrated(1.0) == pytest.approx(reading(1.5).score)
    assert reading(0.0).calibrated(7.0) == 0.5


def test_it_helped_only_where_it_helped_everywhere():
    result = Calibration.from_record(RECORD)
    assert (result.temperature, result.fitted_on, result.helps) == (2.0, 40, {"test": True, "external": False})
    assert not result.helped
    assert Calibration(2.0, 40, {"test": True, "external": True}).helped
    assert not Calibration(2.0, 40, {}).helped


@pytest.mark.parametrize("temperature", [0, -1.0, float("nan")])
def test_a_temperature_that_is_none(temperature):
    with pytest.raises(ValueError, match="above 0"):
        Calibration(temperature, 1, {})


def test_a_network_keeps_it(tmp_path):
    case = mock_networks.save(tmp_path)
    assert registry.spec(case.name, tmp_path).calibration is None
    path = tmp_path / f"{case.name}.json"
    content = json.loads(path.read_text())
    kept = {"temperature": 1.5, "fitted_on": 3, "helps": {"test": True}}
    path.write_text(json.dumps(content | {"calibration": kept}))
    result = registry.spec(case.name, tmp_path)
    assert result.calibration == Calibration(1.5, 3, {"test": True})
    result.save(tmp_path)
    assert json.loads(path.read_text())["calibration"] == kept
    for damaged in ({"temperature": -1, "fitted_on": 3, "helps": {}}, {"heat": 1}, "warm", {"temperature": "x"}):
        path.write_text(json.dumps(content | {"calibration": damaged}))
        with pytest.raises(registry.NetworkError, match="damaged"):
            registry.spec(case.name, tmp_path)


@pytest.mark.parametrize("name", registry.names())
def test_the_committed_networks_keep_what_their_records_say(name):
    record, kept = records.load_experiment(name, "calibration"), registry.spec(name).calibration
    if record is None or kept is None:
        pytest.skip(f"the network {name} has not been calibrated yet: python -m covid_model audit --only calibration")
    assert kept == Calibration.from_record(record)


def test_what_a_network_was_trained_on(tmp_path):
    case = mock_networks.save(tmp_path)
    assert case.trained_on == ("train", "extra") and not case.holds_out
    assert registry.spec("paper").trained_on == ("train",) and not registry.spec("paper").holds_out
