"""Sentences of the Results page: every branch, with synthetic figures."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from covid_model import evaluation
from covid_model.app.text import evaluation as evaluation_text
from covid_model.evaluation import Band, Estimate, PredictiveValues, threshold_sweep


def called(
    title: str, adults: list[float], covid: list[float], threshold: float = 0.6
) -> threshold_sweep.ThresholdResult:
    """A network's scores of adults without COVID-19 and of COVID-19 films, at a threshold."""
    rows = [("nih", 0, score) for score in adults] + [("cohen", 1, score) for score in covid]
    films = pd.DataFrame(rows, columns=["source", "covid", "score"], index=[f"film-{n}" for n in range(len(rows))])
    return threshold_sweep.at_threshold(threshold_sweep.score_split(title.lower(), title, films), threshold)


GOOD, BAD = [0.1, 0.1, 0.9], [0.9, 0.9, 0.1]  # 1 of 3 above the threshold, and 2 of 3


@pytest.mark.parametrize(
    ("first", "second", "parts", "why"),
    [
        (
            (GOOD, GOOD),
            (BAD, BAD),
            ["**the A** calls fewer", "(1 of 3 versus 2 of 3)", "**the B** detects more"],
            "each pays",
        ),
        (
            (BAD, BAD),
            (GOOD, GOOD),
            ["**the B** calls fewer", "(1 of 3 versus 2 of 3)", "**the A** detects more"],
            "each pays",
        ),
        (
            (GOOD, BAD),
            (BAD, GOOD),
            ["**the A** calls fewer", "**the A** detects more", "(2 of 3 versus 1 of 3)"],
            "can change",
        ),
        (
            (GOOD, GOOD),
            (BAD, GOOD),
            ["**the A** calls fewer", "both detect the same number of COVID-19 X-rays (1 of 3"],
            "can change",
        ),
        ((BAD, GOOD), (BAD, BAD), ["both call the same number of adults", "**the B** detects more"], "can change"),
        ((BAD, GOOD), (BAD, GOOD), ["both call the same", "both detect the same"], "move the threshold"),
        (([], GOOD), ([], BAD), ["At 0.60, **the B** detects more"], "can change"),
        ((GOOD, []), (BAD, []), ["At 0.60, **the A** calls fewer"], "can change"),
    ],
)
def test_neither_network_is_simply_better_whichever_way_the_figures_fall(first, second, parts, why):
    sentence = evaluation_text.network_comparison(called("A", *first), called("B", *second))
    assert all(part in sentence for part in parts), sentence
    assert "Neither is simply better" in sentence and why in sentence


def test_films_that_tell_nothing_apart():
    children = pd.DataFrame({"source": ["kermany"], "covid": [0], "score": [0.1]}, index=["kermany-1"])
    result = threshold_sweep.at_threshold(threshold_sweep.score_split("paper", "Paper", children), 0.6)
    assert "cannot be compared" in evaluation_text.network_comparison(result, result)


# --- Source by source -------------------------------------------------------------------------------


def parts() -> list[evaluation.Part]:
    rows = [("test", "cohen", 1, 0.9), ("test", "cohen", 0, 0.1), ("test", "kermany", 0, 0.2)]
    rows += [("external", "figure1", covid, score) for covid, score in ((1, 0.3), (0, 0.4), (1, 0.5), (0, 0.1))]
    rows += [("train", "cohen", 1, 0.1), ("train", "cohen", 0, 0.9)]
    table = pd.DataFrame(rows, columns=["split", "source", "covid", "score"])
    return evaluation.parts(table.assign(patient=[f"p{n}" for n in range(len(table))]))


def test_sources_heading_is_of_unseen_films_of_one_source():
    sentence = evaluation_text.sources_heading(parts()).replace("\\", "")
    assert sentence == (
        "Within one source, the AUC ranges from 0.750 (Figure 1 initiative, Other hospitals) to 1.000 (COVID-19 Image "
        "Data Collection, Test)"
    )
    assert "No source here" in evaluation_text.sources_heading([])
    item = [part for part in parts() if part.source == "figure1"]
    assert evaluation_text.sources_heading(item).endswith("the AUC is 0.750")


def test_sources_table():
    table = evaluation_text.sources(parts(), 0.35)
    assert len(table) == 5  # train, test whole, its two sources, external
    row = table[table["X-rays"].str.contains("Figure 1")].iloc[0]
    assert "4 X-rays, 2 COVID-19, 4 patients" in row["X-rays"]
    assert row["Sensitivity"].startswith("**50.0 %**") and row["Specificity"].startswith("**50.0 %**")
    children = table[table["X-rays"].str.contains("Kermany")].iloc[0]
    assert children["Sensitivity"] == "**–**" and children["AUC"] == "**–**"


# --- Prevalence and cost --------------------------------------------------------------------------------------


def ward(ppv: float, prevalence: float = 0.02) -> PredictiveValues:
    band = Band(np.array([ppv]), np.array([np.nan]), np.array([np.nan]))
    return PredictiveValues(np.array([prevalence]), band, band)


def test_ppv_headings():
    sentence = evaluation_text.ppv_heading({"A": ward(0.61)}, {"A": Estimate(0.838)})
    assert sentence == "At a prevalence of 2 %, 61 of 100 positives would be correct; among these X-rays it is 84"
    assert evaluation_text.ppv_heading({"A": ward(0.61)}, {"A": Estimate(None)}).endswith("would be correct")
    both = evaluation_text.ppv_heading({"A": ward(0.61, 0.005), "B": ward(0.2, 0.005)}, {})
    assert both == "At a prevalence of 0.5 %, 61 (A) or 20 (B) of 100 positives would be correct"
    assert "cannot be computed" in evaluation_text.ppv_heading({"A": ward(float("nan"))}, {})


def test_per_thousand_and_adults_alone():
    sentence = evaluation_text.per_thousand(Estimate(0.75), Estimate(0.9), 0.1)
    assert (
        "100 would have COVID-19: 75 called positive, 25 missed. Of the other 900, 90 would be false positives"
        in sentence
    )
    assert sentence.endswith("That makes 165 positives, 75 of them correct.")
    assert "One class is missing" in evaluation_text.per_thousand(Estimate(None), Estimate(0.9), 0.1)
    assert "4 of 100 positives would be correct, not 61" in evaluation_text.adults_alone(ward(0.61), ward(0.04))
    assert evaluation_text.adults_alone(ward(0.61), ward(0.7)).endswith("here, 70 of 100 positives would be correct.")
    assert evaluation_text.adults_alone(ward(0.61), ward(float("nan"))) is None


def test_cost_heading_and_table():
    result = called("A", [0.1, 0.2, 0.7], [0.9, 0.65, 0.3])
    covid, other = (result.scored.sweeps[kind] for kind in ("covid", "other"))
    costs = evaluation.costs(covid, other, 0.5, 2.0)
    at = costs.best.value
    sentence = evaluation_text.cost_heading({"A": costs}, "2 false positives")
    assert sentence.startswith(
        f"If a false negative costs as much as 2 false positives, {at:.2f} is the cheapest threshold: "
    )
    assert sentence.endswith(f"versus {1000 * costs.cost.value[60]:.1f} at 0.60")
    assert "cheapest threshold for A: " in evaluation_text.cost_heading({"A": costs, "B": costs}, "1 false positive")
    table = evaluation_text.cost_table({"A": costs}, {"midway": 0.5, "the paper's mark": 0.6})
    assert table.index.str.extract(r"\*\*(.+?)\*\*")[0].tolist() == [
        "Cheapest", "0.50", "0.60", "Always negative", "Always positive",
    ]  # fmt: skip
    assert f"({costs.best.low:.2f} to {costs.best.high:.2f})" in table.index[0]
    assert table.iloc[2, 0].startswith("**500.0**")  # a third missed, at 2; a third false alarms: (2/3 + 1/3) / 2
    assert "166.7 false negatives, 166.7 false positives" in table.iloc[2, 0]
    assert table.iloc[3, 0] == "**1000.0**" and table.iloc[4, 0] == "**500.0**"


def test_where_the_paper_s_mark_is_the_cheapest_nothing_is_set_against_it():
    result = called("A", [0.595, 0.1], [0.605, 0.9])  # 0.6 alone parts them
    costs = evaluation.costs(*(result.scored.sweeps[kind] for kind in ("covid", "other")), 0.5, 1.0)
    assert costs.best.value == 0.6
    assert evaluation_text.cost_heading({"A": costs}, "1 false positive").endswith(
        "0.60 is the cheapest threshold: 0.0"
    )


# --- Calibration ------------------------------------------------------------------------------------

RECORD = {
    "temperature": 2.0,
    "fitted_on": {"films": 590, "covid": 41},
    "splits": {
        "test": {
            "films": 4,
            "covid": 2,
            "helps": False,
            "before": {"ece": 0.3, "brier": 0.2, "bins": []},
            "after": {
                "ece": 0.1,
                "brier": 0.15,
                "bins": [{"low": 0.9, "high": 1.0, "films": 2, "score": 0.95, "covid": 0.5}],
            },
        }
    },
}


def test_calibration_heading_is_of_the_highest_bin():
    bins = evaluation.reliability([0.05, 0.85, 0.81], [0, 1, 0])
    sentence = evaluation_text.calibration_heading({"A": bins})
    assert sentence == "2 X-rays score above 0.8, 0.830 on average, and 50.0 % of them are COVID-19"
    assert evaluation_text.calibration_heading({"A": bins, "B": bins}).endswith("COVID-19 (B)")
    assert evaluation_text.calibration_heading({"A": []}) == "No X-rays"


def test_a_record_counts_only_for_the_films_it_was_made_on():
    assert evaluation_text.calibration_part(RECORD, "test", 4, 2) is RECORD["splits"]["test"]
    assert evaluation_text.calibration_part(RECORD, "test", 5, 2) is None
    assert evaluation_text.calibration_part(RECORD, "train", 4, 2) is None
    assert evaluation_text.calibration_part(None, "test", 4, 2) is None


def test_calibration_table_and_sentence():
    bins = evaluation.reliability([0.05, 0.15, 0.15, 0.95], [0, 1, 0, 1])
    part = RECORD["splits"]["test"]
    table = evaluation_text.calibration_table("A", bins, 0.2, 2.0, part)
    assert table.to_numpy().tolist() == [["0.200", "0.100"], ["0.200", "0.150"]]
    assert list(table.columns) == ["A", "At temperature 2.00"]
    assert list(evaluation_text.calibration_table("A", bins, None, None, None).columns) == ["A"]
    assert "does not clearly help" in evaluation_text.temperature_note(RECORD, part)
    assert "Here it helps" in evaluation_text.temperature_note(RECORD, part | {"helps": True})
