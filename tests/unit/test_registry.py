"""Which networks there are, by the files in their folder; their calibration."""

from __future__ import annotations

import json

import numpy as np
import pytest

from covid_model import config, records
from covid_model.model import registry
from covid_model.model.predictor import Prediction
from covid_model.model.registry import Calibration
from covid_model.tools.benchmark import precision
from tests.support import mock_networks


@pytest.fixture
def folder(tmp_path, monkeypatch):
    mock_networks.describe(tmp_path, "paper", "The paper's", 20)
    mock_networks.describe(tmp_path, "fine-tuned", "Tuned", 10, ("train", "extra"))
    (tmp_path / "card.json").write_text(json.dumps({"sources": [], "networks": {"paper": {}}}))
    monkeypatch.setattr(config, "NETWORKS", tmp_path)
    return tmp_path


def test_networks_are_listed_in_their_order(folder):
    assert registry.names() == ("fine-tuned", "paper") and registry.default() == "fine-tuned"
    mock_networks.describe(folder, "frozen", "Frozen", 5)
    assert registry.names() == ("frozen", "fine-tuned", "paper") and registry.default() == "frozen"


def test_a_changed_json_is_read_again(folder):
    assert registry.title("paper") == "The paper's"
    mock_networks.describe(folder, "paper", "Another title", 20)
    assert registry.title("paper") == registry.short_title("paper") == "Another title"


def test_other_files_describe_no_network(folder):
    for name, text in {"card": "not JSON", "list": "[1, 2]", "text": '"a"', "half": '{"weights": "x.npz"}'}.items():
        (folder / f"{name}.json").write_text(text)
    assert registry.names() == ("fine-tuned", "paper")


def test_a_damaged_json_beside_its_weights_is_a_network_that_says_so(folder):
    (folder / "paper.json").write_text("{")
    (folder / "paper.npz").write_bytes(b"")
    assert "paper" in registry.names()
    with pytest.raises(registry.NetworkError, match=r"paper\.json is damaged"):
        registry.spec("paper")


def test_an_empty_folder_has_none(tmp_path, monkeypatch):
    monkeypatch.setattr(config, "NETWORKS", tmp_path)
    assert registry.names() == () and registry.default() == registry.NONE
    with pytest.raises(registry.NetworkError, match="networks here are: none"):
        registry.spec(registry.NONE)


def test_a_network_without_a_json_still_has_a_title(folder):
    assert registry.title("older") == "Older"


def test_a_json_that_does_not_say_what_it_was_trained_on_is_damaged(folder):
    path = folder / "paper.json"
    content = json.loads(path.read_text())
    del content["trained_on"]
    path.write_text(json.dumps(content))
    with pytest.raises(registry.NetworkError, match=r"paper\.json is damaged.*trained_on"):
        registry.spec("paper")


def test_our_networks_say_all_that_a_page_asks():
    for entry in registry.entries():
        assert entry.title and entry.help and entry.trained_on and entry.order < registry.LAST
        assert set(entry.trained_on) <= set(config.SPLITS)
        assert registry.spec(entry.name).trained_on == entry.trained_on


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


@pytest.mark.parametrize("name", registry.names())
def test_the_app_uses_bfloat16_only_where_the_record_of_these_weights_allows_it(name):
    one = records.load_benchmark()["parts"]["precision"]["record"]["networks"].get(name, {})
    reached = one.get("largest", 1) <= precision.OFF and one.get("changed") == 0
    measured = one.get("weights_sha256") == registry.spec(name).sha256
    assert registry.spec(name).bfloat16 == bool(measured and reached and one["app_may_use_it"])
