"""Sentences about one X-ray, and the score's bar."""

from __future__ import annotations

import pandas as pd
import pytest

from covid_model import formatting
from covid_model.app.components.film_card import score_bar
from covid_model.app.text import prediction as prediction_text
from covid_model.model.queue import QueuePosition
from tests.support.app_pages import holds


def table(*rows: tuple[str, float, int]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["id", "score", "covid"]).set_index("id")


def test_plain_escapes_what_markdown_would_render():
    for mark in "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~":
        assert prediction_text.plain(f"a{mark}b") == f"a\\{mark}b"
    assert prediction_text.plain("one\n\ntwo  three") == "one two three"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("98.6 % of COVID-19 X-rays", "98.6~% of COVID_19 X_rays"),
        (prediction_text.plain("non-COVID, 5 %"), "non_COVID\\, 5~%"),  # escaped for Markdown
        ("7 × 7 × 512, a - b %", "7~×~7~×~512, a - b %"),
        ("[COVID-19](https://a.b/COVID-19), `COVID-19`", "[COVID_19](https://a.b/COVID-19), `COVID-19`"),
    ],
)
def test_words_and_figures_stay_on_one_line(text, shown):
    assert formatting.unbroken(text) == shown.replace("~", "\u00a0").replace("_", "\u2011")


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("Fine-tuned model", "the fine-tuned model"),
        ("The paper's model (frozen VGG-19)", "the paper's model (frozen VGG-19)"),
        ("VGG-16, frozen", "the VGG-16, frozen"),
        ("ResNet", "the ResNet"),
    ],
)
def test_a_network_in_a_sentence(title, name):
    assert formatting.in_sentence(title) == name
    assert formatting.in_sentence(title, first=True) == f"T{name[1:]}"


@pytest.mark.parametrize(
    ("score", "text"), [(0, "< 0.001"), (0.0004, "< 0.001"), (0.6, "0.600"), (0.9996, "> 0.999"), (1, "> 0.999")]
)
def test_a_score_never_looks_like_certainty(score, text):
    assert formatting.score_text(score) == text


def test_the_verdict_is_positive_strictly_above():
    assert "positive" in formatting.verdict(0.6001, 0.6)
    assert "negative" in formatting.verdict(0.6, 0.6)


def test_a_similar_score_follows_the_base_rate():
    films = table(("a", 0.50, 1), ("b", 0.54, 1), ("c", 0.56, 0), ("d", 0.9, 1))
    sentence = prediction_text.similar_scores("Adults", films, 0.5)
    assert sentence.startswith("**Adults:** 3 of 4 X-rays are COVID-19 (75 %);")
    assert "2 of 2 are (100 %, 95 % CI 34 to 100 %)" in sentence  # Wilson's
    without = prediction_text.similar_scores("Adults", films, 0.5, "a")
    assert "2 of 3 other X-rays are COVID-19 (67 %)" in without and "1 of 1 are (100 %" in without
    assert prediction_text.similar_scores("Adults", films, 0.5, "unknown") == sentence
    nobody = prediction_text.similar_scores("Adults", films, 0.2)
    assert "3 of 4" in nobody and "none of them" in nobody
    assert "%" not in prediction_text.similar_scores("Adults", films.iloc[:1], 0.5, "a")


def test_a_few_are_not_none():
    films = table(("a", 0.50, 1), *((f"n{number}", 0.5, 0) for number in range(299)))
    assert prediction_text.similar_scores("All", films, 0.5).count("(0.3 %") == 2


def test_adults_come_before_everybody():
    rows = [("a", 0.5, 1, "cohen"), ("b", 0.5, 0, "cohen"), ("c", 0.5, 0, "kermany"), ("d", 0.9, 0, "kermany")]
    test = pd.DataFrame(rows, columns=["id", "score", "covid", "source"]).set_index("id")
    adults, whole = prediction_text.comparison(test, None, 0.5)
    assert holds(adults, 1, 2, 50, 1, 2, 50) and holds(whole, 1, 4, 25, 1, 3, 33)
    adult_test = test.iloc[:2].assign(covid=0)
    adults_again, more, whole_again = prediction_text.comparison(test, adult_test, 0.5)
    assert (adults_again, whole_again) == (adults, whole) and holds(more, 0, 2, 0, 0, 2, 0)
    assert len(prediction_text.comparison(test[test["source"] == "kermany"], None, 0.5)) == 1
    assert holds(prediction_text.comparison(test, None, 0.5, "a")[0], 0, 1, 0, 0, 1, 0)


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
        (None, "", "unknown. The source neither confirms nor rules out"),
    ],
)
def test_ground_truth(covid, finding, text):
    assert text in prediction_text.ground_truth(covid, finding)
