"""The confusion matrix."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from covid_model.verdict import is_positive

CELLS = ("tp", "fn", "fp", "tn")  # in reading order: COVID-19 in the top row, positive in the left column


@dataclass(frozen=True)
class Confusion:
    """Number of films in each cell: true positives, false negatives, false positives and true negatives."""

    tp: int
    fn: int
    fp: int
    tn: int

    @property
    def covid(self) -> int:
        return self.tp + self.fn

    @property
    def other(self) -> int:
        return self.fp + self.tn

    @property
    def positive(self) -> int:
        return self.tp + self.fp

    @property
    def negative(self) -> int:
        return self.fn + self.tn

    @property
    def total(self) -> int:
        return self.covid + self.other

    def count(self, cell: str) -> int:
        """Return the number of films in one of CELLS."""
        return int(getattr(self, cell))

    def row_share(self, cell: str) -> float | None:
        """Return the cell's share of the films with the same ground truth, in [0, 1]; None if there are none."""
        row = self.covid if cell in ("tp", "fn") else self.other
        return self.count(cell) / row if row else None


def check(scores: ArrayLike, covid: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Return `scores` as float64 (n,) and `covid` as bool (n,).

    Raises:
        ValueError: The shapes differ, a score is NaN or outside [0, 1], or the ground truth is not 0 or 1.
    """
    scores = np.asarray(scores, dtype=np.float64)
    truth = np.asarray(covid)
    if scores.ndim != 1 or truth.shape != scores.shape:
        raise ValueError(f"Expected two arrays of one length. Received: shapes {scores.shape} and {truth.shape}")
    if np.isnan(scores).any():
        raise ValueError(f"Expected a score for every film. Received: {int(np.isnan(scores).sum())} that are NaN")
    if scores.size and (scores.min() < 0 or scores.max() > 1):
        raise ValueError(f"Expected scores in [0, 1]. Received: {scores.min()} to {scores.max()}")
    if not np.isin(truth, (0, 1)).all():
        raise ValueError(f"Expected a ground truth of 0 and 1. Received: {np.unique(truth).tolist()}")
    return scores, truth.astype(bool)


def cells(scores: ArrayLike, covid: ArrayLike, threshold: float) -> np.ndarray:
    """Return the cell of each film, (n,) strings of CELLS."""
    scores, truth = check(scores, covid)
    positive = is_positive(scores, threshold)
    return np.select([truth & positive, truth & ~positive, ~truth & positive], CELLS[:3], CELLS[3])


def confusion(scores: ArrayLike, covid: ArrayLike, threshold: float) -> Confusion:
    """Return the confusion matrix at `threshold`, which may be any number, 0 and 1 included."""
    by_film = cells(scores, covid, threshold)
    return Confusion(*(int((by_film == cell).sum()) for cell in CELLS))
