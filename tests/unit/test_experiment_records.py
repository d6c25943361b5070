"""The committed records of experiments: what can be computed in seconds is reproduced."""

from __future__ import annotations

import json

import pytest

from covid_model import experiments, records
from covid_model.data import dataset
from covid_model.evaluation.metrics import to_json
from covid_model.experiments import explanations, external_validation
from covid_model.model import registry

pytestmark = [pytest.mark.films, pytest.mark.vgg19]

CLOSE = 2e-3  # of a share: the same films by the same network on another processor


@pytest.fixture(params=registry.names())
def case(request, data_folder, vgg19_file):
    if request.param not in registry.names():
        pytest.skip(f"no network {request.param} in this copy")
    return experiments.ExperimentContext(request.param, dataset.load(data_folder), str(vgg19_file))


def record(case: experiments.ExperimentContext, experiment: str) -> dict:
    result = records.load_experiment(case.name, experiment)
    if result is None:
        pytest.skip(f"no record of {experiment} of {case.name}")
    return result


def same(result: object, kept: object) -> None:
    """Hold two records against each other, number by number."""
    if isinstance(kept, dict):
        assert isinstance(result, dict) and set(result) == set(kept)
        for key in kept:
            same(result[key], kept[key])
    elif isinstance(kept, list):
        assert isinstance(result, list) and len(result) == len(kept)
        for item, other in zip(result, kept, strict=True):
            same(item, other)
    elif isinstance(kept, float):
        assert result == pytest.approx(kept, abs=CLOSE)
    else:
        assert result == kept


def again(result: dict) -> dict:
    """A new record as it would be read from its file."""
    return json.loads(json.dumps(to_json(result)))


def test_elsewhere(case):
    kept, result = record(case, "elsewhere"), again(external_validation.run(case))
    same(result, {key: kept[key] for key in result})


def test_attention_on_all_films_with_masks(case):
    kept, result = record(case, "attention"), again(explanations.attention(case, curves=False))
    for part in ("films", "energy_in_lungs", "pointing_game"):
        same(result[part], kept[part])
    assert result["curves"]["films"] == 0 and kept["curves"]["films"] > 0
