"""The verdict: a function of a score and a threshold, written here and nowhere else; and why a film has none."""

from __future__ import annotations

from enum import StrEnum
from typing import TypeVar

Scores = TypeVar("Scores")  # a number, or an array or a column of them


class OutOfDistribution(StrEnum):
    """Why a film lies outside what a network was trained on, so that its score is not meaningful."""

    UNFAMILIAR = "unfamiliar"  # no chest X-ray, or one unlike the training films
    CHANGED = "rotated or inverted"  # a chest X-ray, but not upright with dark lungs
    COLOUR = "in colour"  # no training film is


def is_positive(score: Scores, threshold: float) -> Scores:
    """Return whether a score lies above the threshold; for an array or a column, one truth value a score.

    Args:
        score: in [0, 1].
        threshold: in [0, 1]. A score that equals it is negative.
    """
    return score > threshold
