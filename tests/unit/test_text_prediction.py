"""Sentences about one X-ray, and the score's bar."""

from __future__ import annotations

import pandas as pd
import pytest

from covid_model import formatting
from covid_model.app.components.film_card import score_bar
from covid_model.app.text import prediction as prediction_text
from covid_model.model.queue import QueuePosition


def table(*rows: tuple[str, float, int]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["id", "score", "covid"]).set_index("id")


def test_plain_escapes_what_markdown_would_render():
    for mark in "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~":
        assert prediction_text.plain(f"a{mark}b") == f"a\\{mark}b"
    assert prediction_text.plain("one\n\ntwo  three") == "one two three"


@pytest.mark.parametrize(
    ("score", "text"), [(0, "< 0.001"), (0.0004, "< 0.001"), (0.6, "0.600"), (0.9996, "> 0.999"), (1, "> 0.999")]
)
def test_a_score_never_looks_like_certainty(score, text):
    assert formatting.score_text(score) == text


def test_the_verdict_is_positive_strictly_above():
    assert "positive" in formatting.verdict(0.6001, 0.6)
    assert "negative" in formatting.verdict(0.6, 0.6)


def test_neighbors():
    films = table(("a", 0.50, 1), ("b", 0.54, 1), ("c", 0.56, 0), ("d", 0.9, 1))
    assert prediction_text.similar_scores(films, 0.5).startswith("Of the 4 test X-rays, 2 scored")
    assert "**1 of these 1** is COVID-19" in prediction_text.similar_scores(films, 0.5, "a")
    assert prediction_text.similar_scores(films, 0.2) == "None of the 4 test X-rays scored within ±0.05 of this one."
    assert "4 test X-rays" in prediction_text.similar_scores(films, 0.5, "unknown")


def test_a_few_are_not_none():
    films = table(("a", 0.50, 1), *((f"n{number}", 0.5, 0) for number in range(299)))
    assert "is COVID-19: 0.3 %" in prediction_text.similar_scores(films, 0.5)


def test_neighbors_among_films_held_out_too():
    films = table(("a", 0.50, 1), ("b", 0.54, 0), ("c", 0.9, 0))
    held_out = table(("h", 0.52, 1), ("i", 0.1, 0))
    sentence = prediction_text.similar_scores(films, 0.5, "a", held_out)
    assert sentence.startswith(
        "Of the other 2 test X-rays and 2 validation X-rays (held out of training; not in the chart)"
    )
    assert "2 scored" in sentence
    assert "**1 of these 2** is COVID-19: 50 %" in sentence
    assert "(95 % CI 9–91 %)" in sentence  # Wilson's, 1 of 2
    assert "2 validation X-rays" in prediction_text.similar_scores(films, 0.3, None, held_out)
    assert "1 validation X-ray (" in prediction_text.similar_scores(films, 0.5, "h", held_out)


@pytest.mark.parametrize(
    ("position", "text"),
    [
        (QueuePosition(2, 2.8), "Other users are here too: 2 X-rays are ahead of yours, about 3 s."),
        (QueuePosition(1, 1.4), "Other users are here too: 1 X-ray is ahead of yours, about 1 s."),
        (QueuePosition(1, None), "1 X-ray is ahead of yours."),
        (QueuePosition(0, 0.0), "Running the network."),
    ],
)
def test_position_in_the_queue(position, text):
    assert text in prediction_text.queue_position(position)


def test_the_verdict_stays_the_model_scores():
    assert prediction_text.calibrated(0.9, 0.8, 0.6) == "Calibrated: **0.800**."
    assert "is not above the threshold, but the verdict follows the model score" in prediction_text.calibrated(
        0.65, 0.57, 0.6
    )
    assert "is above the threshold, but the verdict follows the model score" in prediction_text.calibrated(
        0.3, 0.4, 0.35
    )


def test_an_outcome():
    assert prediction_text.outcome(False, True) == "False negative: the network missed it."
    assert prediction_text.outcome(True, False).startswith("False positive")
    assert prediction_text.outcome(True, True).startswith("True positive") and prediction_text.outcome(
        False, False
    ).startswith("True neg")


def test_adults_called_positive():
    films = pd.DataFrame(
        [("cohen", 0, 0.9), ("nih", 0, 0.5), ("kermany", 0, 0.95), ("cohen", 1, 0.9)],
        columns=["source", "covid", "score"],
    )
    assert (
        "Of the 2 adults without COVID-19, this network calls **1** positive"
        in prediction_text.adult_false_positives(films, 0.6)
    )
    assert prediction_text.adult_false_positives(films[films["source"] == "kermany"], 0.6) is None


def test_credit_links_only_to_addresses():
    row = pd.Series({"source": "nih", "license": float("nan"), "url": "javascript:alert(1)"})
    assert prediction_text.credit(row) == "Source: NIH ChestX\\-ray8. License: not stated."
    row["url"] = "https://a.org/b"
    assert "](https://a.org/b)" in prediction_text.credit(row)


@pytest.mark.parametrize(("score", "threshold"), [(0.0, 0.0), (1.0, 1.0), (0.4, 0.6), (0.00001, 0.95)])
def test_score_bar_names_what_it_shows(score, threshold):
    bar = score_bar(score, threshold)
    assert f"threshold at {threshold:.2f}" in bar
    assert formatting.score_text(score).replace("<", "below").replace(">", "above") in bar


@pytest.mark.parametrize(
    ("covid", "finding", "text"),
    [
        (True, "COVID-19", "Ground truth: **COVID-19**."),
        (False, "normal", "Ground truth: **non-COVID**."),
        (None, "atypical", "The source lists **atypical**, which neither"),
        (None, "", "nothing that names or rules out COVID-19**, which neither"),
    ],
)
def test_ground_truth(covid, finding, text):
    assert text in prediction_text.ground_truth(covid, finding)
