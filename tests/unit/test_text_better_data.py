"""The sentences of the turning point, from made-up figures."""

from __future__ import annotations

from covid_model.app.text import better_data
from covid_model.evaluation import Estimate

COUNTS = {"films": 100, "covid": 10, "correct": 90, "covid_positive": 9, "adults": 5, "adults_positive": 4}


def test_the_headline_says_which_way_false_positives_move():
    fell = better_data.better_data(Estimate(0.8), Estimate(0.1), Estimate(0.05))
    assert "Same recipe" in fell and "fall from 80.0 % to 10.0 %" in fell
    rose = better_data.better_data(Estimate(0.1), None, Estimate(0.3))
    assert "Same layers" in rose and "rise from 10.0 % to 30.0 %" in rose


def test_the_best_trial_is_named():
    trials = [
        {"title": title, "sources": {"siim": {"auc": area}, "radiography": {"auc": 0.9}}}
        for title, area in (("The head alone", 0.7), ("Twice the steps", 0.85))
    ]
    sentence = better_data.left_out({"trials": trials})
    assert "0.850" in sentence and "0.900" in sentence and "twice the steps" in sentence
    assert better_data.left_out(None) == better_data.left_out({"trials": []}) == ""


def test_a_probe_is_told_beside_chance():
    record = {"own": {"source": 0.9, "class": 0.8, "source_chance": 0.25}}
    sentence = better_data.probes({"paper": record, "fine-tuned": None}, str.upper)
    assert "90.0 % (PAPER; the class: 80.0 %)" in sentence and "25.0 %" in sentence and "FINE" not in sentence
    assert better_data.probes({"paper": None}, str.upper) == ""


def test_leaks_are_told_with_results_before_and_after():
    first = {"networks": {"paper": COUNTS, "gone": COUNTS}}
    sentence = better_data.leaks(first, {"paper": COUNTS | {"correct": 95}, "gone": None}, str.upper)
    assert "PAPER: 90.0 % accuracy (9 of 10" in sentence and "95.0 % accuracy" in sentence and "GONE" not in sentence
    assert better_data.leaks(None, {}, str.upper) == better_data.leaks(first, {}, str.upper) == ""
