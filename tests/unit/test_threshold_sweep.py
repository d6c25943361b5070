"""Threshold sweep, predictive values and costs, by hand and against the bootstrap; figures of one scored split."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import sklearn.metrics

from covid_model import evaluation, formatting
from covid_model.app.text import evaluation as evaluation_text
from covid_model.evaluation import threshold_sweep
from covid_model.evaluation.bootstrap import band, bootstrap, resample
from covid_model.evaluation.metrics import rates_of
from covid_model.evaluation.threshold_sweep import THRESHOLDS

SCORES = np.array([0.9, 0.8, 0.6, 0.2, 0.7, 0.5, 0.1, 0.1])
COVID = np.array([1, 1, 1, 1, 0, 0, 0, 0], bool)
PATIENTS = np.array(["a", "a", "b", "c", "d", "d", "e", "c"])  # c has a film of both kinds


def swept(
    scores=SCORES, covid=COVID, patients=PATIENTS, **more
) -> tuple[evaluation.ThresholdSweep, evaluation.ThresholdSweep]:
    covid = np.asarray(covid, bool)
    return tuple(evaluation.sweep(scores, {"covid": covid, "other": ~covid}, patients, **more).values())


@pytest.fixture(scope="module")
def many() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """200 made-up films of 80 patients with scores in hundredths, many of them at a threshold exactly."""
    generator = np.random.default_rng(3)
    covid = generator.random(200) < 0.3
    scores = np.round(np.clip(generator.normal(0.35 + 0.3 * covid, 0.2), 0, 1), 2)
    return scores, covid, generator.integers(0, 80, 200)


def test_counts_by_hand():
    covid, other = swept()
    assert covid.above[0, [0, 59, 60, 90, 100]].tolist() == [4, 3, 2, 0, 0]  # at 0.6 its own film is not above
    assert other.above[0, [0, 10, 50]].tolist() == [4, 2, 1]
    assert (covid.total[0], covid.patients, other.patients) == (4, 3, 3)
    assert covid.patients_above[60] == 1 and covid.patients_below[60] == 2  # a's two films; b and c


def test_every_sample_counts_as_its_films_do(many):
    scores, covid, patients = many
    result = swept(scores, covid, patients, draws=20)
    weights = next(resample(scores.size, patients, draws=20))
    for films, kind in zip(result, (covid, ~covid), strict=True):
        above = (scores[:, None] > THRESHOLDS) & kind[:, None]
        assert films.above[1:].tolist() == (weights @ above).tolist()
        assert films.total[1:].tolist() == (weights @ kind).tolist()


@pytest.mark.parametrize("threshold", [0.4, 0.5, 0.6])
def test_rates_agree_with_the_bootstrap(many, threshold):
    scores, covid, patients = many
    result = evaluation.rates_at(*swept(scores, covid, patients), threshold)
    member = np.stack(
        [evaluation.cells(scores, covid, threshold) == cell for cell in evaluation.CELLS], axis=-1
    ).astype(int)
    drawn = bootstrap(lambda weights: rates_of(weights @ member), len(member), patients)
    assert list(result) == list(evaluation.RATES)
    for name, value in rates_of(member.sum(axis=0)).items():
        expected = (float(value), *np.quantile(drawn[name], (0.025, 0.975)))
        assert (result[name].value, result[name].low, result[name].high) == pytest.approx(expected), name
    matrix = evaluation.confusion(scores, covid, threshold)
    assert (result["sensitivity"].count, result["sensitivity"].total) == (matrix.tp, matrix.covid)
    assert (result["ppv"].count, result["ppv"].total) == (matrix.tp, matrix.positive)


def test_films_of_one_patient_widen_the_interval():
    scores, covid = np.tile(SCORES, 10), np.tile(COVID, 10)
    alone = evaluation.rates_at(*swept(scores, covid, None), 0.5)["accuracy"]
    clustered = evaluation.rates_at(*swept(scores, covid, np.tile(PATIENTS, 10)), 0.5)["accuracy"]
    assert clustered.value == alone.value
    assert clustered.high - clustered.low > 2 * (alone.high - alone.low)


def test_where_all_films_agree_the_interval_is_wilsons_for_as_many_patients():
    covid, other = swept([0.9, 0.9, 0.9, 0.1, 0.1], [1, 1, 1, 0, 0], ["a", "a", "b", "c", "d"])
    rates = evaluation.rates_at(covid, other, 0.5)
    two, four = evaluation.proportion(2, 2), evaluation.proportion(4, 4)
    assert rates["accuracy"].value == 1 and rates["accuracy"].low == four.low
    for name in ("sensitivity", "specificity", "ppv", "npv"):
        assert rates[name].value == 1 and (rates[name].low, rates[name].high) == (two.low, two.high), name
    nobody = evaluation.share_at(other, 0.5)
    assert (nobody.count, nobody.low, nobody.high) == (0, 0, pytest.approx(1 - two.low))


def test_missing_kinds_and_no_films():
    covid, other = swept([0.1, 0.9], [0, 0], None)
    rates = evaluation.rates_at(covid, other, 0.5)
    assert not rates["sensitivity"] and rates["specificity"].value == 0.5 and not rates["f1"]
    assert not evaluation.share_at(covid, 0.5) and evaluation.share_at(covid, 0.5).total == 0
    assert not any(evaluation.rates_at(*swept([], [], None), 0.5).values())
    assert evaluation.costs(covid, other, 0.1, 1) is None
    assert np.isnan(evaluation.predictive_values(covid, other, 0.5, 0.1).ppv.value).all()


@pytest.mark.parametrize("threshold", [0.555, -0.1, 1.5, float("nan")])
def test_a_threshold_outside_the_sweep_is_refused(threshold):
    with pytest.raises(ValueError, match="Received"):
        evaluation.share_at(swept()[0], threshold)


def test_one_patient_per_film_is_required():
    with pytest.raises(ValueError, match="one patient a film"):
        swept(patients=["a"])


# --- wards ------------------------------------------------------------------------------------------


def test_predictive_values_by_hand():
    # sensitivity 3/4 and specificity 3/4 at 0.5: PPV at 1 in 10 is 0.075 / (0.075 + 0.225)
    ward = evaluation.predictive_values(*swept(), 0.5, [0.1, 0.5])
    assert ward.ppv.value == pytest.approx([0.25, 0.75])
    assert ward.npv.value == pytest.approx([0.675 / 0.7, 0.75])


def test_predictive_values_at_the_films_own_prevalence_are_the_films(many):
    scores, covid, patients = many
    both = swept(scores, covid, patients)
    rates, ward = evaluation.rates_at(*both, 0.5), evaluation.predictive_values(*both, 0.5, covid.mean())
    assert ward.ppv.value[0] == pytest.approx(sklearn.metrics.precision_score(covid, scores > 0.5))
    assert ward.npv.value[0] == pytest.approx(rates["npv"].value)
    for values in (ward.ppv, ward.npv):
        assert 0 < values.low[0] < values.value[0] < values.high[0] < 1


def test_predictive_values_rise_and_fall_with_prevalence(many):
    ward = evaluation.predictive_values(*swept(*many), 0.5, np.linspace(0, 1, 21))
    assert (np.diff(ward.ppv.value) > 0).all() and (np.diff(ward.npv.value) < 0).all()
    assert (ward.ppv.value[0], ward.ppv.value[-1], ward.npv.value[0], ward.npv.value[-1]) == (0, 1, 1, 0)


def test_no_false_positives_do_not_mean_certainty():
    both = swept([0.9, 0.3, 0.1, 0.1], [1, 1, 0, 0], list("abcd"))
    ward = evaluation.predictive_values(*both, 0.5, 0.1)
    assert ward.ppv.value[0] == 1 and ward.ppv.low[0] < 0.2
    specificity = evaluation.proportion(2, 2).low
    sensitivity = evaluation.share_at(both[0], 0.5).low
    result = 0.1 * sensitivity
    expected = result / (result + 0.9 * (1 - specificity)) if sensitivity else 0
    assert ward.ppv.low[0] == pytest.approx(expected)


@pytest.mark.parametrize("prevalence", [-0.1, 1.1, [0.1, float("nan")]])
def test_impossible_prevalences(prevalence):
    with pytest.raises(ValueError, match="Received"):
        evaluation.predictive_values(*swept(), 0.5, prevalence)


def test_frequencies_add_up():
    result = evaluation.frequencies(0.78, 0.99, 0.02)
    assert (result.true_positives, result.false_negatives, result.false_positives, result.true_negatives) == (
        16,
        4,
        10,
        970,
    )
    assert result.covid == 20 and result.positive == 26
    for prevalence in np.linspace(0, 1, 13):
        item = evaluation.frequencies(0.333, 0.917, prevalence)
        assert item.true_positives + item.false_negatives + item.false_positives + item.true_negatives == 1000
        assert min(item.true_positives, item.false_negatives, item.false_positives, item.true_negatives) >= 0


def test_the_inverse_of_a_share():
    item = evaluation.inverse(evaluation.Estimate(0.2, 0.1, 0.4, 2, 10))
    assert (item.value, item.low, item.high, item.count, item.total) == (0.8, 0.6, 0.9, 8, 10)
    assert evaluation.inverse(evaluation.Estimate(None)) == evaluation.Estimate(None)


# --- costs ------------------------------------------------------------------------------------------


def test_costs_by_hand():
    result = evaluation.costs(*swept(), prevalence=0.5, miss=1)
    at = dict(zip(result.thresholds.tolist(), result.cost.value, strict=True))
    assert at[0.5] == pytest.approx(0.25)  # a miss and a false alarm of eight films
    assert at[1.0] == result.always_negative == 0.5 and at[0.0] == result.always_positive == 0.5
    assert result.false_negatives[50] == result.false_positives[50] == pytest.approx(0.125)
    assert result.best.value == 0.5  # 0.5 to 0.59 and 0.7 to 0.79 cost the same: the one nearest to 0.5


def test_the_best_threshold_is_the_cheapest_one(many):
    scores, covid, patients = many
    both = swept(scores, covid, patients)
    for miss in (0.1, 1, 20):
        result = evaluation.costs(*both, prevalence=0.1, miss=miss)
        called = scores[:, None] > THRESHOLDS
        slower = 0.1 * miss * (~called[covid]).mean(axis=0) + 0.9 * called[~covid].mean(axis=0)
        assert result.cost.value == pytest.approx(slower, abs=1e-6)
        assert slower[result.thresholds.tolist().index(result.best.value)] == pytest.approx(slower.min(), abs=1e-6)
        assert result.best.low <= result.best.value <= result.best.high
        assert (result.cost.low <= result.cost.high).all()


def test_costlier_false_negatives_lower_the_best_threshold(many):
    best = [evaluation.costs(*swept(*many), 0.3, miss).best.value for miss in (0.1, 1, 10, 100)]
    assert best == sorted(best, reverse=True) and best[0] > best[-1]


@pytest.mark.parametrize(("prevalence", "miss"), [(-0.1, 1), (0.1, 0), (0.1, -2), (1.5, 1)])
def test_impossible_costs(prevalence, miss):
    with pytest.raises(ValueError, match="Received"):
        evaluation.costs(*swept(), prevalence, miss)


# --- bands ------------------------------------------------------------------------------------------


def test_bands():
    rows = np.vstack([[5.0, 5.0, np.nan], np.tile(np.arange(101.0)[:, None], 3)])
    rows[1:51, 1] = np.nan  # half the samples say nothing
    rows[1:, 2] = np.nan
    result = band(rows)
    assert result.value[:2].tolist() == [5, 5]
    assert result.low[:2] == pytest.approx([2.5, 51.25]) and result.high[:2] == pytest.approx([97.5, 98.75])
    assert np.isnan([result.low[2], result.high[2]]).all()
    assert np.isnan(band(rows[:1]).low).all()


def called(rows: list[tuple[str, int, float]], threshold: float = 0.6) -> threshold_sweep.ThresholdResult:
    films = pd.DataFrame(rows, columns=["source", "covid", "score"], index=[f"film-{n}" for n in range(len(rows))])
    return threshold_sweep.at_threshold(threshold_sweep.score_split("paper", "Paper", films), threshold)


def test_note_only_where_children_hide_adults():
    assert evaluation_text.adults_note(called([("nih", 0, 0.9), ("cohen", 1, 0.9)]), "test") is None  # no children
    assert evaluation_text.adults_note(called([("kermany", 0, 0.9), ("cohen", 1, 0.9)]), "test") is None  # no adults
    called_positive = called([("kermany", 0, 0.1), ("cohen", 0, 0.9), ("cohen", 1, 0.9)])
    title, words = evaluation_text.adults_note(called_positive, "test")
    assert title.startswith("1 of 1") and "50.0 % of the non-COVID X-rays" in words


def test_films_of_a_cell_start_with_the_clearest():
    result = called([("cohen", 1, 0.7), ("cohen", 1, 0.9), ("cohen", 1, 0.5), ("cohen", 1, 0.1), ("nih", 0, 0.2)])
    assert threshold_sweep.cell_films("tp", result, [result.scored]).index.tolist() == ["film-1", "film-0"]
    assert threshold_sweep.cell_films("fn", result, [result.scored])["paper"].tolist() == [0.1, 0.5]
    assert threshold_sweep.cell_films("fp", result, [result.scored]).empty


def test_intervals_in_words():
    result = called([("cohen", 1, 0.9), ("kermany", 0, 0.1)])
    assert formatting.interval(result.rates["accuracy"]) == "34.2 to 100.0 %"
    assert formatting.interval(result.scored.baseline["auc"]) == ""
    assert result.scored.baseline["average_precision"].value == 0.5
    assert result.scored.baseline["accuracy"].count == 1


def test_what_the_accuracy_hides_comes_with_its_figures():
    result = called([("kermany", 0, 0.1), ("kermany", 0, 0.2), ("cohen", 0, 0.9), ("cohen", 1, 0.9), ("cohen", 1, 0.2)])
    title, words = evaluation_text.adults_note(result, "test")
    assert title == "1 of 1 of the test set's adults without COVID-19 are called positive"
    assert words.startswith("An accuracy of 60.0 % hides this: 66.7 % of the non-COVID X-rays")


def test_more_adults():
    scored = called([("nih", 0, 0.9), ("nih", 0, 0.1)]).scored
    sentence = evaluation_text.more_adults(scored, 0.6, [])
    assert sentence == "Of the adults without COVID-19 in the adults-only set, it calls 1 of 2 positive (50.0 %)."
    known = evaluation_text.more_adults(scored, 0.6, ["nih"])
    assert "All of them come from sources whose other X-rays this model was trained on" in known
    assert evaluation_text.more_adults(None, 0.6, []) is None
    assert evaluation_text.more_adults(called([("cohen", 1, 0.9)]).scored, 0.6, []) is None


def test_cards_have_their_names_and_figures():
    result = called([("cohen", 1, 0.9), ("cohen", 1, 0.2), ("nih", 0, 0.1), ("kermany", 0, 0.1), ("kermany", 0, 0.1)])
    figures = {card.label: (card.large, card.small) for card in evaluation_text.cards(result, "test")}
    assert figures == {
        "False positives: the test set's adults": ("0 of 1", "0.0 %"),
        "Sensitivity": ("1 of 2", "50.0 %"),
        "Accuracy": ("80.0 %", "4 of 5"),
        "Majority-class baseline (always negative)": ("60.0 %", "3 of 5"),
    }
