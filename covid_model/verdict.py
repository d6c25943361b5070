"""The verdict, a function of score and threshold written only here, and the reasons to withhold one."""

from __future__ import annotations

from enum import StrEnum
from typing import TypeVar

Scores = TypeVar("Scores")  # a number, an array or a column


class OutOfDistribution(StrEnum):
    """Why a film differs from the training films, so that its score is not meaningful."""

    UNFAMILIAR = "unfamiliar"  # not a chest X-ray, or unlike the training films
    CHANGED = "rotated or inverted"  # a chest X-ray, but not upright with dark lungs
    COLOR = "in color"  # all training films are gray
    SIMULATED = "simulated"  # rendered from a CT; all training films are real


def is_positive(score: Scores, threshold: float) -> Scores:
    """Return whether a score is strictly above the threshold, both in [0, 1]; element by element for an array."""
    return score > threshold
