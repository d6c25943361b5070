"""Figures of the Results page's headline, and the sentences made of them."""

from __future__ import annotations

import pandas as pd

from covid_model import formatting
from covid_model.app.text import evaluation as evaluation_text
from covid_model.evaluation import threshold_sweep


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
    assert title == "1 of 1 of the test set’s adults without COVID-19 are called positive"
    assert words.startswith("An accuracy of 60.0 % hides this: 66.7 % of the non-COVID X-rays")


def test_more_adults():
    scored = called([("nih", 0, 0.9), ("nih", 0, 0.1)]).scored
    sentence = evaluation_text.more_adults(scored, 0.6, [])
    assert sentence == "Of the adults without COVID-19 in the adult test set, it calls 1 of 2 positive (50.0 %)."
    known = evaluation_text.more_adults(scored, 0.6, ["nih"])
    assert "All of them come from sources whose other X-rays it was trained on" in known
    assert evaluation_text.more_adults(None, 0.6, []) is None
    assert evaluation_text.more_adults(called([("cohen", 1, 0.9)]).scored, 0.6, []) is None


def test_cards_have_their_names_and_figures():
    result = called([("cohen", 1, 0.9), ("cohen", 1, 0.2), ("nih", 0, 0.1), ("kermany", 0, 0.1), ("kermany", 0, 0.1)])
    figures = {card.label: (card.large, card.small) for card in evaluation_text.cards(result, "test")}
    assert figures == {
        "False positives: the test set’s adults": ("0 of 1", "0.0 %"),
        "Sensitivity": ("1 of 2", "50.0 %"),
        "Accuracy": ("80.0 %", "4 of 5"),
        "Majority-class baseline (always negative)": ("60.0 %", "3 of 5"),
    }
