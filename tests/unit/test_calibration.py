"""evaluation's calibration: bins, errors and intervals, by hand and against scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
import sklearn.calibration
import sklearn.metrics

from covid_model import evaluation


def test_bins_by_hand():
    bins = evaluation.reliability([0.05, 0.15, 0.15, 0.95], [0, 1, 0, 1])
    assert [item.films for item in bins] == [1, 2, 0, 0, 0, 0, 0, 0, 0, 1]
    assert bins[1].score == pytest.approx(0.15) and bins[1].covid.value == 0.5
    assert (bins[1].covid.count, bins[1].covid.total) == (1, 2)
    assert bins[2].score is None and not bins[2].covid
    assert evaluation.calibration_error(bins) == pytest.approx((0.05 + 2 * 0.35 + 0.05) / 4)
    assert evaluation.brier([0.05, 0.15], [0, 1]) == pytest.approx((0.05**2 + 0.85**2) / 2)


def test_films_at_the_edges_of_bins():
    films = [item.films for item in evaluation.reliability([0.0, 0.1, 0.5, 1.0], [0, 0, 1, 1])]
    assert films == [2, 0, 0, 0, 1, 0, 0, 0, 0, 1]


def test_bins_agree_with_scikit_learn():
    generator = np.random.default_rng(5)
    scores = generator.uniform(size=500)
    covid = generator.uniform(size=500) < scores**2
    bins = evaluation.reliability(scores, covid, draws=0)
    share, mean = sklearn.calibration.calibration_curve(covid, scores, n_bins=10)
    assert [item.covid.value for item in bins] == pytest.approx(share.tolist())
    assert [item.score for item in bins] == pytest.approx(mean.tolist())
    assert evaluation.brier(scores, covid) == pytest.approx(sklearn.metrics.brier_score_loss(covid, scores))


def test_intervals_are_by_patient():
    scores, covid = np.full(40, 0.55), np.tile([1, 0, 1, 1], 10)
    alone = evaluation.reliability(scores, covid)[5].covid
    together = evaluation.reliability(scores, covid, np.tile(np.arange(4), 10))[5].covid
    assert alone.value == together.value == 0.75
    assert together.high - together.low > 2 * (alone.high - alone.low)
    one_patient = evaluation.reliability([0.9, 0.9], [1, 1], ["a", "a"])[8].covid
    assert one_patient.low == evaluation.proportion(1, 1).low  # two films, one patient


def test_bins_of_a_record():
    record = [{"low": 0.0, "high": 0.1, "films": 2, "score": 0.05, "covid": 0.5}]
    record.append({"low": 0.1, "high": 0.2, "films": 0, "score": None, "covid": None})
    first, second = evaluation.recorded_bins(record)
    assert (first.films, first.score, first.covid) == (2, 0.05, evaluation.Estimate(0.5))
    assert second.score is None and not second.covid
    assert evaluation.calibration_error([first, second]) == pytest.approx(0.45)


def test_no_films():
    assert evaluation.calibration_error(evaluation.reliability([], [])) is None
    assert evaluation.brier([], []) is None
