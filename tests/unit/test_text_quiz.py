"""Beat the model: which X-rays a seed draws, the rivals, and the words for a result; on made-up scores."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from covid_model.app.text import quiz
from covid_model.app.text.quiz import Answer
from tests.support.app_pages import holds

NETWORKS = ("own", "other")


@pytest.fixture(scope="module")
def films() -> pd.DataFrame:
    """200 films of 100 patients, half of them COVID-19; the network "other" is confidently wrong on one in ten."""
    rng = np.random.default_rng(0)
    covid = np.arange(200) % 2
    table = pd.DataFrame({"covid": covid, "source": "nih", "patient": np.arange(200) % 100})
    table["own"] = np.where(covid == 1, 0.7, 0.3)
    table["other"] = np.where(rng.random(200) < 0.1, 1 - covid, 0.5)
    return table.set_index(pd.Index([f"film-{number}" for number in range(200)], name="id"))


@pytest.mark.parametrize("seed", range(5))
def test_a_seed_draws_ten_films_with_confident_errors(films, seed):
    drawn = quiz.draw(films, NETWORKS, seed)
    assert (
        drawn == quiz.draw(films.sample(frac=1, random_state=1), NETWORKS, seed) != quiz.draw(films, NETWORKS, seed + 1)
    )
    part = films.loc[drawn]
    assert len(part) == quiz.X_RAYS and part["patient"].is_unique and part["covid"].sum() == quiz.POSITIVE
    errors = (part[list(NETWORKS)].sub(part["covid"], axis=0).abs() >= quiz.CONFIDENT).any(axis=1)
    assert errors.sum() >= quiz.ERRORS


def test_few_films_are_drawn_as_they_are(films):
    part = films[films["covid"] == 0].head(12)
    assert len(quiz.draw(part, NETWORKS, 3)) == quiz.X_RAYS
    assert sorted(quiz.draw(part.head(4), NETWORKS, 3)) == sorted(part.index[:4])


def test_a_round_needs_ten_patients_and_three_confident_errors(films):
    ten = films.drop_duplicates("patient").assign(own=0.5, other=0.5).head(quiz.X_RAYS)
    for errors in range(5):
        ten["own"] = np.where(np.arange(quiz.X_RAYS) < errors, 1 - ten["covid"], 0.5)
        assert quiz.enough(ten, NETWORKS) == (errors >= quiz.ERRORS)
    assert not quiz.enough(ten.head(quiz.X_RAYS - 1), NETWORKS)
    assert not quiz.enough(ten.assign(patient="one"), NETWORKS)


def test_every_error_counts_if_a_patient_has_others(films):
    """Three patients with an error and a right answer each: whichever of them is drawn, the round has three errors."""
    pairs = films.head(6).assign(patient=["a", "a", "b", "b", "c", "c"])
    pairs["own"] = np.where(np.arange(6) % 2 == 0, 1 - pairs["covid"], pairs["covid"])
    pool = pd.concat([pairs, films.iloc[6:26]]).assign(other=0.5)
    for seed in range(20):
        drawn = pool.loc[quiz.draw(pool, NETWORKS, seed)]
        assert set(pairs.index[::2]) <= set(drawn.index) and drawn["patient"].is_unique


@pytest.mark.parametrize("brighter", [True, False])
def test_the_rival_that_knows_the_brightness(brighter):
    rule = {"threshold": 130.0, "brighter": brighter}
    assert [quiz.by_brightness(gray, rule) for gray in (129.9, 130.0, 200)] == [not brighter, brighter, brighter]
    sentence = quiz.brightness(141.2, rule)
    assert holds(sentence, 141, 130) and ("positive" in sentence) == brighter


def test_the_rival_that_knows_the_source(films):
    training = pd.DataFrame({"source": ["nih", "nih", "cohen", "cohen"], "covid": [0, 1, 1, 1]})
    asked = films.head(3).assign(source=["nih", "cohen", "elsewhere"])
    assert list(quiz.source_only(asked, training)) == [0.5, 1.0, 0.75]


def test_the_table_of_players(films):
    part = films.head(4)  # 0, 1, 0, 1
    calls = pd.Series([True, True, False, False], index=part.index)
    row = quiz.results(part, {"You": calls}).loc["You"]
    assert [holds(cell, *numbers) for cell, numbers in zip(row, ((2, 4), (1, 2), (1, 2)), strict=True)] == [True] * 3


@pytest.mark.parametrize(("sure", "right", "more"), [(0.95, 0.5, "over"), (0.55, 1.0, "more"), (0.75, 0.75, "well")])
def test_how_sure_the_visitor_was(films, sure, right, more):
    ids = list(films.index[:4])
    calls = [bool(films.at[film, "covid"]) == (number < 4 * right) for number, film in enumerate(ids)]
    sentence = quiz.calibration({film: Answer(call, sure) for film, call in zip(ids, calls, strict=True)}, films)
    assert holds(sentence, round(100 * sure), round(100 * right)) and more in sentence
    assert holds(sentence, 4 * right, 4)  # for the answers given with this certainty


def test_why_an_x_ray_matters(films):
    shares = pd.DataFrame({"misses": [0.1, 0.2], "alarms": [0.3, 0.4]}, index=list(NETWORKS))
    titles = {"own": "Ours", "other": "Theirs"}
    row = films.iloc[0].copy()  # not COVID-19
    cases = {
        (0, 0.9, 0.1): (30, "Ours"), (0, 0.1, 0.9): (40, "Theirs"), (1, 0.1, 0.9): (10, "Ours"),
    }  # fmt: skip
    for (covid, own, other), (share, title) in cases.items():
        row["covid"], row["own"], row["other"] = covid, own, other
        sentence = quiz.why(row, titles, shares, 0.2)
        assert holds(sentence, share) and sentence.startswith(title)
    row["covid"], row["own"], row["other"] = 0, 0.1, 0.1
    assert quiz.why(row, titles, shares, 0.2) != quiz.why(row, titles, shares, 0.9)
