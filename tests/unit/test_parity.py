"""The committed scores are those of the shipped networks: recomputed from real films as the app does."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from covid_model import config, imaging
from covid_model.data import dataset
from covid_model.model import registry
from covid_model.model.predictor import Predictor

FILMS = 40
TOLERANCE = 1e-3


def random_test_films(name: str) -> pd.DataFrame:
    """FILMS rows of the committed scores: other ones in every run, the seed printed where one fails."""
    scores = pd.read_csv(config.SCORES_CSV)
    rows = scores[(scores["network"] == name) & (scores["split"] == "test")]
    seed = int(np.random.default_rng().integers(2**31))
    print(f"films drawn with seed {seed}")
    return rows.sample(FILMS, random_state=seed).set_index("id")


@pytest.mark.films
@pytest.mark.parametrize(
    "name",
    [pytest.param("paper", marks=pytest.mark.vgg19), pytest.param("frozen", marks=pytest.mark.vgg19), "fine-tuned"],
)
def test_committed_scores_are_reproduced_by_the_networks(name, data_folder):
    if name not in registry.names():
        pytest.skip(f"the network {name} is not in assets/networks")
    data = dataset.load(data_folder)
    rows = random_test_films(name)
    case = registry.spec(name)
    predictor = Predictor(name, dataset.weights_file() if case.base == registry.IMAGENET else None)
    result = np.array(list(predictor.scores(imaging.read(data.path(film)).pixels for film in rows.index)))
    np.testing.assert_allclose(result, rows["score"], atol=TOLERANCE)
    item = rows.index[0]
    reading = predictor.predict(imaging.read(data.path(item)))
    assert reading.score == pytest.approx(rows.loc[item, "score"], abs=TOLERANCE)
    assert np.isfinite(reading.heatmap).all() and np.abs(reading.heatmap).max() == pytest.approx(1)


def test_the_committed_scores_cover_every_reported_film_and_those_held_out():
    """No film that a network learned from: its score would say nothing."""
    scores = pd.read_csv(config.SCORES_CSV)
    listed = dataset.committed()
    reported = listed.index[~listed["split"].isin(config.TRAINING_SPLITS)]
    for name in registry.names():
        spec = registry.spec(name)
        expected = set(reported)
        if spec.holds_out:
            held_out = dataset.validation_films(listed, *spec.trained_on)
            expected |= set(held_out.index[held_out])
        rows = scores[scores["network"] == name].set_index("id")
        assert rows.index.is_unique and set(rows.index) == expected
        truth = listed["covid"].loc[rows.index]
        pd.testing.assert_series_equal(rows["covid"], truth, check_names=False, check_dtype=False)
        assert rows["score"].between(0, 1).all()
