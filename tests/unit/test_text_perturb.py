"""Sentences about changed X-rays."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from covid_model.app.text import perturb as perturb_text


@pytest.mark.parametrize(
    ("before", "after", "text"),
    [
        (0.72, 0.83, "0.830, up 0.110; still positive"),
        (0.9, 0.1, "0.100, down 0.800; now negative"),
        (0.2, 0.7, "0.700, up 0.500; now positive"),
        (0.3001, 0.3004, "0.300, unchanged; still negative"),
        (0.9999, 0.0001, "< 0.001, down 1.000; now negative"),
        (0.601, 0.6, "0.600, down 0.001; now negative"),
    ],
)
def test_a_change(before, after, text):
    assert perturb_text.score_change(before, after, 0.6) == text


def test_an_out_of_distribution_film_gets_no_verdict():
    assert perturb_text.score_change(0.9, 0.1, 0.6, novel=True) == "0.100, down 0.800; no verdict"


def test_a_spread():
    scores = np.array([0.55, 0.61, 0.7, 0.9])
    assert perturb_text.score_spread(scores, 0.8, 0.6) == (
        "The copies score from **0.550** to **0.900**; the X-ray itself, 0.800. **3 of 4** keep its verdict, positive."
    )
    assert "**All 4** keep its verdict, negative" in perturb_text.score_spread(scores, 0.8, 0.95)
    assert "**1 of 4** keeps its verdict" in perturb_text.score_spread(scores, 0.3, 0.6)
    assert "verdict" not in perturb_text.score_spread(scores, 0.3, 0.6, novel=True)
    assert perturb_text.score_spread(np.full(3, 0.9999), 0.99999, 0.6).startswith("All copies score **> 0.999**;")


def test_what_the_network_cannot_see():
    assert perturb_text.no_visible_change(0.08) == (
        "This network sees no difference. Its preprocessing crops 8 % off each side."
    )
    assert perturb_text.no_visible_change(0) == "This network sees no difference."


def test_how_good_the_outline_is():
    assert "Dice" not in perturb_text.mask_quality(None)
    record = {"every": {"films": 9, "found": 8, "dice": {"median": 0.871}}}
    assert (
        "of 9 X-rays, this finds the lungs in 8, with a median Dice coefficient of 0.87"
        in perturb_text.mask_quality(record)
    )


def test_verdicts_of_two():
    assert perturb_text.agreement({"a": 0.9, "b": 0.7}, 0.6) == "**Both call this X-ray positive.**"
    assert perturb_text.agreement({"a": 0.2, "b": 0.7}, 0.6) == (
        "**They disagree:** *a* calls this X-ray negative, *b* calls it positive."
    )


# --- how to read a disagreement ------------------------------------------------------------------
FILMS = pd.DataFrame(
    [
        ("t1", "train", "cohen", 0, "p1"),
        ("t2", "train", "cohen", 1, "p2"),
        ("t3", "train", "kermany", 0, "p3"),
        ("e1", "extra", "nih", 0, "p4"),
        ("e2", "extra", "nih", 0, "p5"),
        ("e3", "extra", "nih", 0, "p9"),  # a patient of the test set: nobody trains on it
        ("x1", "test", "cohen", 0, "p9"),
        ("x2", "test", "cohen", 0, "p10"),
        ("x3", "test", "kermany", 0, "p11"),
        ("x4", "test", "cohen", 1, "p12"),
    ],
    columns=["id", "split", "source", "covid", "patient"],
).set_index("id")
SPECS = [
    SimpleNamespace(name="paper", title="paper", trained_on=("train",)),
    SimpleNamespace(name="fine-tuned", title="fine-tuned", trained_on=("train", "extra")),
]


def scored(paper: dict[str, float], tuned: dict[str, float]) -> pd.DataFrame:
    parts = [
        FILMS.reset_index().assign(network=name, score=lambda table, known=known: table["id"].map(known).fillna(0.9))
        for name, known in (("paper", paper), ("fine-tuned", tuned))
    ]
    return pd.concat(parts)


def test_a_disagreement_is_read_by_what_each_has_seen():
    sentence = perturb_text.disagreement(SPECS, FILMS, scored({"x1": 0.9, "x2": 0.8}, {"x1": 0.1, "x2": 0.7}), 0.6)
    assert (
        "*paper* was trained on 1 X-ray of adults without COVID-19 and calls **2 of the 2** in the test set" in sentence
    )
    assert "*fine-tuned* was trained on 3 X-rays of adults without COVID-19 and calls **1 of the 2** in" in sentence
    assert "if only *paper* calls it positive, it may have recognized nothing more than an adult" in sentence


def test_a_disagreement_follows_scores_and_threshold():
    table = scored({"x1": 0.9, "x2": 0.8}, {"x1": 0.95, "x2": 0.7})
    assert "So where" not in perturb_text.disagreement(SPECS, FILMS, table, 0.6)
    assert "if only *fine-tuned* calls it positive" in perturb_text.disagreement(SPECS, FILMS, table, 0.92)


def test_no_scores_no_sentence():
    table = scored({}, {})
    assert perturb_text.disagreement(SPECS, FILMS, table[table["network"] == "paper"], 0.6) is None


def test_what_the_network_cannot_see_of_a_change():
    assert perturb_text.cut_off(0.0, 0.1) is None and perturb_text.cut_off(0.04, 0.1) is None
    assert perturb_text.cut_off(0.5, 0.12).startswith("50 % of this change") and "12 %" in perturb_text.cut_off(
        0.5, 0.12
    )
    assert "%" not in perturb_text.cut_off(1.0, 0.1).partition(",")[0] and "10 %" in perturb_text.cut_off(1.0, 0.1)
