"""Evaluation: known answers on tiny arrays, agreement with scikit-learn, and undefined metrics."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import sklearn.calibration
import sklearn.metrics

from covid_model import evaluation
from covid_model.evaluation import threshold_sweep
from covid_model.evaluation.bootstrap import bootstrap, resample
from covid_model.evaluation.metrics import weighted_areas

SCORES = [0.9, 0.8, 0.6, 0.2, 0.7, 0.5, 0.1, 0.1]
COVID = [1, 1, 1, 1, 0, 0, 0, 0]


@pytest.fixture(scope="module")
def many() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """300 made-up films of 120 patients with tied scores: scores, covid, patients."""
    generator = np.random.default_rng(7)
    covid = generator.random(300) < 0.2
    scores = np.round(np.clip(generator.normal(0.35 + 0.3 * covid, 0.2), 0, 1), 2)
    return scores, covid, generator.integers(0, 120, 300)


def test_counts_by_hand():
    assert evaluation.confusion(SCORES, COVID, 0.5) == evaluation.Confusion(tp=3, fn=1, fp=1, tn=3)
    assert evaluation.cells(SCORES, COVID, 0.5).tolist() == ["tp", "tp", "tp", "fn", "fp", "tn", "tn", "tn"]


def test_positive_is_strictly_above():
    assert evaluation.confusion(SCORES, COVID, 0.6).tp == 2  # the film at 0.6 itself is negative


@pytest.mark.parametrize(
    ("threshold", "expected"), [(0.0, (4, 0, 4, 0)), (1.0, (0, 4, 0, 4)), (-1.0, (4, 0, 4, 0)), (2.0, (0, 4, 0, 4))]
)
def test_ends_of_the_slider(threshold, expected):
    assert evaluation.confusion(SCORES, COVID, threshold) == evaluation.Confusion(*expected)
    rates = evaluation.rates(SCORES, COVID, threshold)
    assert rates["ppv" if threshold >= 1 else "npv"] is None
    assert rates["balanced_accuracy"] == 0.5


def test_rates_by_hand():
    rates = evaluation.rates(SCORES, COVID, 0.5)
    assert list(rates) == list(evaluation.RATES)
    assert set(rates.values()) == {0.75}


def test_rates_agree_with_scikit_learn(many):
    scores, covid, _ = many
    called = scores > 0.55
    metrics = sklearn.metrics
    assert evaluation.rates(scores, covid, 0.55) == pytest.approx(
        {
            "accuracy": metrics.accuracy_score(covid, called),
            "sensitivity": metrics.recall_score(covid, called),
            "specificity": metrics.recall_score(~covid, ~called),
            "ppv": metrics.precision_score(covid, called),
            "npv": metrics.precision_score(~covid, ~called),
            "f1": metrics.f1_score(covid, called),
            "balanced_accuracy": metrics.balanced_accuracy_score(covid, called),
        }
    )
    matrix = evaluation.confusion(scores, covid, 0.55)
    expected = metrics.confusion_matrix(covid, called)
    assert [[matrix.tn, matrix.fp], [matrix.fn, matrix.tp]] == expected.tolist()


def test_wilson_by_hand():
    # Newcombe 1998, table I: 81 of 263 gives 0.2553 to 0.3662
    estimate = evaluation.proportion(81, 263)
    assert (estimate.low, estimate.high) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    # and 0 of 20 starts at 0, 20 of 20 ends at 1
    assert evaluation.proportion(0, 20).low == 0
    assert evaluation.proportion(20, 20).high == pytest.approx(1)


@pytest.mark.parametrize(("count", "total"), [(-1, 3), (4, 3), (1, 0)])
def test_impossible_proportions(count, total):
    with pytest.raises(ValueError, match="Received"):
        evaluation.proportion(count, total)


def test_no_covid_films():
    rates = evaluation.rates([0.1, 0.9], [0, 0], 0.5)
    assert rates["sensitivity"] is None and rates["f1"] is None and rates["balanced_accuracy"] is None
    assert rates["specificity"] == 0.5
    assert evaluation.roc([0.1, 0.9], [0, 0]).area is None
    assert evaluation.precision_recall([0.1, 0.9], [0, 0]).x.size == 0
    assert evaluation.area_intervals([0.1, 0.9], [0, 0])["auc"].value is None


def test_no_other_films():
    rates = evaluation.rates([0.1, 0.9], [1, 1], 0.5)
    assert rates["specificity"] is None and rates["npv"] == 0
    assert evaluation.roc([0.1, 0.9], [1, 1]).area is None


def test_no_films_at_all():
    assert evaluation.confusion([], [], 0.5).total == 0
    assert not any(evaluation.rates([], [], 0.5).values())
    assert not evaluation.adults_without_covid([], [], [], 0.5)
    assert evaluation.roc([], []).area is None
    assert evaluation.parts(pd.DataFrame(columns=["split", "source", "covid", "score"])) == []


@pytest.mark.parametrize(
    ("scores", "covid", "words"),
    [
        ([0.1, np.nan], [0, 1], "NaN"),
        ([0.1, 1.2], [0, 1], r"\[0, 1\]"),
        ([0.1, 0.2], [0, 2], "0 and 1"),
        ([0.1, 0.2], [0], "one length"),
        ([[0.1]], [[1]], "one length"),
    ],
)
def test_invalid_scores_are_refused(scores, covid, words):
    for function in (lambda: evaluation.confusion(scores, covid, 0.5), lambda: evaluation.roc(scores, covid)):
        with pytest.raises(ValueError, match=words):
            function()


def test_majority_baseline():
    covid = pd.Series([1] * 73 + [0] * 1079)
    sweeps = evaluation.sweep(np.full(1152, 0.5), {"covid": covid == 1, "other": covid == 0}, draws=10)
    rates = threshold_sweep.majority_baseline(covid, sweeps["covid"], sweeps["other"])
    assert rates["accuracy"].value == pytest.approx(1079 / 1152)
    assert (rates["sensitivity"].value, rates["specificity"].value, rates["ppv"].value) == (0, 1, None)
    assert rates["balanced_accuracy"].value == 0.5


def test_adults_without_covid():
    source = ["cohen", "cohen", "kermany", "nih", "kermany", "cohen", "nih", "kermany"]
    estimate = evaluation.adults_without_covid(SCORES, COVID, source, 0.4)
    assert (estimate.count, estimate.total) == (
        1,
        2,
    )  # cohen at 0.5 and nih at 0.1; children and COVID films do not count


def test_curves_agree_with_scikit_learn(many):
    scores, covid, _ = many
    curve = evaluation.roc(scores, covid)
    assert curve.area == pytest.approx(sklearn.metrics.roc_auc_score(covid, scores))
    assert (curve.x[0], curve.y[0], curve.x[-1], curve.y[-1]) == (0, 0, 1, 1)
    curve = evaluation.precision_recall(scores, covid)
    assert curve.area == pytest.approx(sklearn.metrics.average_precision_score(covid, scores))
    assert curve.y[0] == pytest.approx(covid.mean()) and curve.x[0] == 1


def test_operating_point_lies_on_the_curve(many):
    scores, covid, _ = many
    curve = evaluation.precision_recall(scores, covid)
    rates = evaluation.rates(scores, covid, 0.5)
    at = np.flatnonzero(np.isclose(curve.x, rates["sensitivity"]))
    assert np.isclose(curve.y[at], rates["ppv"]).any()


def test_areas_of_every_draw_agree_with_scikit_learn(many):
    """The vectorized areas under resampling weights, against scikit-learn's sample_weight, draw for draw."""
    scores, covid, patients = many
    order = np.argsort(-scores, kind="stable")
    last = np.append(np.flatnonzero(np.diff(scores[order])), scores.size - 1)
    weights = next(resample(scores.size, patients, draws=5))
    areas = weighted_areas(weights[:, order], covid[order], last)
    for row, auc, precision in zip(weights, areas["auc"], areas["average_precision"], strict=True):
        assert auc == pytest.approx(sklearn.metrics.roc_auc_score(covid, scores, sample_weight=row))
        assert precision == pytest.approx(sklearn.metrics.average_precision_score(covid, scores, sample_weight=row))


def test_intervals_hold_their_value_and_repeat(many):
    scores, covid, patients = many
    for given in (None, patients):
        result = evaluation.area_intervals(scores, covid, given)
        assert result == evaluation.area_intervals(scores, covid, given)
        for name, estimate in result.items():
            assert 0 <= estimate.low < estimate.value < estimate.high <= 1, name


def test_resampling_draws_whole_patients():
    patients = np.array(["a", "b", "a", "c"])
    weights = np.concatenate(list(resample(4, patients, draws=50)))
    assert weights.shape == (50, 4)
    assert (weights[:, 0] == weights[:, 2]).all()
    assert (weights[:, [0, 1, 3]].sum(axis=1) == 3).all()
    with pytest.raises(ValueError, match="one patient a film"):
        next(resample(3, patients))
    assert bootstrap(lambda weights: {"n": weights.sum(axis=1)}, 0) == {}


def test_parts():
    table = pd.DataFrame(
        {"split": ["test"] * 6 + ["external"] * 2, "source": ["cohen"] * 4 + ["kermany"] * 2 + ["nih"] * 2}
    )
    table = table.assign(covid=COVID, score=SCORES, patient=list("aabbcddd"))
    parts = evaluation.parts(table)
    assert [(item.split, item.source) for item in parts] == [
        ("test", None), ("test", "cohen"), ("test", "kermany"), ("external", "nih"),
    ]  # fmt: skip
    assert [(item.films, item.patients) for item in parts] == [(6, 4), (4, 2), (2, 2), (2, 1)]
    whole = parts[0]
    assert evaluation.share_at(whole.covid, 0.5).count == 3 and evaluation.share_at(whole.other, 0.5).count == 1
    assert whole.auc.value == pytest.approx(sklearn.metrics.roc_auc_score(COVID[:6], SCORES[:6]))
    assert not parts[2].auc and not evaluation.share_at(parts[2].covid, 0.5)
    assert evaluation.parts(table.drop(columns="patient"), ["external"])[0].patients is None


def test_slow_libraries_wait_until_they_are_needed():
    code = "import sys, covid_model.evaluation, covid_model.charts;"
    code += "print({'sklearn', 'scipy', 'tensorflow'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


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


def test_no_films_to_calibrate():
    assert evaluation.calibration_error(evaluation.reliability([], [])) is None
    assert evaluation.brier([], []) is None
