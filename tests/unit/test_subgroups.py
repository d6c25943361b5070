"""Subgroups of films and people: known answers on a few films."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from covid_model import config
from covid_model.evaluation import subgroups
from covid_model.evaluation.metrics import auc_change
from covid_model.evaluation.subgroups import AgeRow

FILMS = [  # split, source, covid, age
    *[("test", "cohen", 1, age) for age in (27.0, 55.0, 94.0, None)],
    *[("test", "cohen", 0, age) for age in (58.0, "early 40s")],
    *[("test", "kermany", 0, "pediatric, 1-5 y")] * 6,
    *[("extra-test", "radiography", 1, "adult, mostly")] * 3,
    *[("extra-test", "nih", 0, "adult, mostly")] * 3,
    ("external", "actualmed", 1, None),
    ("external", "actualmed", 0, None),
    ("external", "figure1", 1, 12.0),
]
SCORES = [0.9, 0.8, 0.7, 0.1, 0.95, 0.2, *[0.0] * 6, 0.9, 0.9, 0.1, 0.9, 0.1, 0.1, 0.3, 0.4, 0.9]


@pytest.fixture
def films() -> pd.DataFrame:
    table = pd.DataFrame(FILMS, columns=["split", "source", "covid", "age"])
    table.index = [f"film-{number}" for number in range(len(table))]
    return table.assign(score=SCORES, patient=[f"p{number // 2}" for number in range(len(table))])


# --- who is in the data -----------------------------------------------------------------------------
def test_rows_of_the_pyramid(films):
    assert subgroups.age_rows(films[films["split"] == "test"]) == [
        AgeRow("80 and over", 1, 0),
        AgeRow("70 to 79", 0, 0),  # nobody, but between two that somebody is in
        AgeRow("60 to 69", 0, 0),
        AgeRow("50 to 59", 1, 1),
        AgeRow("40 to 49", 0, 0),
        AgeRow("30 to 39", 0, 0),
        AgeRow("20 to 29", 1, 0),
        AgeRow(subgroups.CHILDREN, 0, 6),
        AgeRow("age not stated: Image<br>Data Collection", 1, 1),
    ]


def test_every_film_is_in_one_row(films):
    for split in config.SPLITS:
        part = films[films["split"] == split]
        result = subgroups.age_rows(part)
        assert sum(row.covid + row.other for row in result) == len(part)
        assert sum(row.covid for row in result) == part["covid"].sum()
    assert subgroups.age_rows(films[films["source"] == "figure1"]) == [AgeRow("under 20", 1, 0)]


def test_ages_in_words_are_not_stated(films):
    assert subgroups.stated_ages(films).dropna().tolist() == [27, 55, 94, 58, 12]
    assert subgroups.stated_ages(films.drop(columns="age")).isna().all()


def test_what_the_source_gives_away(films):
    named, floor = subgroups.accuracy_from_source(films[films["split"] == "test"])
    assert named == pytest.approx(10 / 12)  # 4 of cohen's 6, all of kermany's 6
    assert floor == pytest.approx(8 / 12)
    assert subgroups.accuracy_from_source(films[films["split"] == "extra-test"]) == (1.0, 0.5)


# --- groups of films --------------------------------------------------------------------------------
def test_groups_at_a_threshold(films):
    result = subgroups.measure(films, 0.6)
    counts = {}
    for name, group in result.items():
        sensitivity, false_positive_rate = group.sensitivity, group.false_positive_rate
        counts[name] = sensitivity.count, sensitivity.total, false_positive_rate.count, false_positive_rate.total
    assert counts == {
        subgroups.TEST: (3, 4, 1, 8),
        subgroups.ADULTS: (3, 4, 1, 2),
        subgroups.MORE: (2, 3, 1, 3),
        "figure1": (1, 1, 0, 0),
        "actualmed": (0, 1, 0, 1),
    }
    assert not result["figure1"].false_positive_rate and subgroups.external_false_positives(result) == (0, 1)
    assert result[subgroups.ADULTS].name == "Test set's<br>adults"
    assert result["actualmed"].name == "External:<br>Actualmed"
    assert all(group.sensitivity.low <= group.sensitivity.value <= group.sensitivity.high for group in result.values())


def test_training_films_are_in_no_group(films):
    assert sum(map(len, subgroups.by_group(films.assign(split="train")).values())) == 0


def test_auc_of_a_group(films):
    assert subgroups.auc(films, "actualmed").value == 0.0
    assert subgroups.auc(films, subgroups.ADULTS).value == pytest.approx(3 / 8)
    assert subgroups.auc(films, "figure1").value is None and subgroups.auc(films, "nih").value is None


def test_two_networks_compared(films):
    better = films.assign(score=films["covid"] * 0.8 + 0.1)
    result = {(item.group, item.measure): item for item in subgroups.compare(films, better, 0.6)}
    adults = result[subgroups.ADULTS, "false_positive_rate"]
    assert (adults.before.count, adults.after.count, adults.difference.value) == (1, 0, -0.5)
    assert (
        result[subgroups.TEST, "sensitivity"].after.count == 4
        and result[subgroups.TEST, "sensitivity"].difference.value == 0.25
    )
    assert result["actualmed", "auc"].difference.value == 1.0 and result["actualmed", "auc"].after.value == 1.0
    assert ("figure1", "auc") not in result and ("figure1", "false_positive_rate") not in result


def test_networks_are_compared_on_films_that_both_scored(films):
    result = subgroups.compare(films, films.iloc[:8], 0.6)
    assert {item.group for item in result} == {subgroups.TEST, subgroups.ADULTS}
    assert all(item.verdict == "unclear" and item.difference.value == 0 for item in result)


def test_auc_change_is_the_difference_of_scikit_learns():
    from sklearn.metrics import roc_auc_score

    rng = np.random.default_rng(0)
    truth, patients = rng.integers(0, 2, 200), np.arange(200) // 2
    before = rng.normal(size=200).round(1)  # with ties
    after = before + 2 * truth
    result = auc_change(before, after, truth, patients)
    assert result.value == pytest.approx(roc_auc_score(truth, after) - roc_auc_score(truth, before))
    assert 0 < result.low < result.value < result.high
    same = auc_change(before, before, truth, patients)
    assert (same.value, same.low, same.high) == (0, 0, 0)
    assert auc_change(before, after, np.ones(200), patients).value is None
