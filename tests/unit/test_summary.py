"""The verdict, and the summary that page, PDF, CSV, JSON and command line are made of."""

from __future__ import annotations

import numpy as np
import pytest

from covid_model import formatting
from covid_model.model.predictor import Prediction
from covid_model.reports.summary import PredictionSummary, refusal, summarize
from covid_model.verdict import OutOfDistribution, is_positive


def reading(score: float = 0.97, **more) -> Prediction:
    return Prediction(
        "paper", score, 3.0, np.zeros((2, 2), np.float32), (0.0, 0.0, 1.0, 1.0), ("Few tones.",), 1.0, **more
    )


@pytest.mark.parametrize(("score", "threshold", "positive"), [(0.61, 0.6, True), (0.6, 0.6, False), (0.56, 0.55, True)])
def test_the_verdict_is_positive_strictly_above(score, threshold, positive):
    assert is_positive(score, threshold) is positive
    assert is_positive(np.array([score, 0.0]), threshold).tolist() == [positive, False]
    assert summarize("f", reading(score), threshold).positive is positive


def test_a_summary_says_what_the_reading_says():
    done = summarize("f.png", reading(), 0.6, title="A title", caveats=("Mind this.",))
    assert (done.network, done.score, done.verdict, done.score_text) == ("paper", 0.97, "Positive", "0.970")
    assert done.warnings == ("Few tones.",) and not done.out_of_distribution


def test_out_of_distribution_has_no_verdict_and_says_why_first():
    done = summarize("f.png", reading(ood_distance=1.2, ood_reason=OutOfDistribution.CHANGED), 0.6)
    assert done.out_of_distribution and done.verdict == "No verdict" and done.positive
    assert done.warnings == (formatting.WHY_OUT[OutOfDistribution.CHANGED], "Few tones.")
    assert done.as_json()["out_of_distribution"] is True


def test_every_reason_has_its_sentence():
    assert set(formatting.WHY_OUT) == set(OutOfDistribution)
    assert "does not look like a chest X-ray" in formatting.WHY_OUT[OutOfDistribution.UNFAMILIAR]


def test_a_refusal_has_neither_score_nor_verdict():
    done = refusal("f", "paper", 0.6, "No film.")
    assert done == PredictionSummary("f", "paper", 0.6, refused="No film.")
    assert (done.positive, done.verdict, done.score_text) == (None, "Refused", "")
    assert done.as_json()["score"] is None and done.as_json()["positive"] is None
