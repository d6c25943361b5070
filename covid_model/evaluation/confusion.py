"""Who is positive and who ought to be: the four cells of a confusion matrix."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from covid_model.verdict import is_positive

CELLS = ("tp", "fn", "fp", "tn")  # in reading order: COVID-19 films on top, positive on the left


@dataclass(frozen=True)
class Confusion:
    """Films a cell: tp (COVID-19, positive), fn (COVID-19, negative), fp (other, positive), tn (other, negative)."""

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
        """Films in one of CELLS."""
        return int(getattr(self, cell))

    def row_share(self, cell: str) -> float | None:
        """The cell's share of all films of the same truth, in [0, 1]; None where there is no such film."""
        row = self.covid if cell in ("tp", "fn") else self.other
        return self.count(cell) / row if row else None


def check(scores: ArrayLike, covid: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """`scores` as float64 (n,) and `covid` as bool (n,).

    Raises ValueError for other shapes, scores that are NaN or outside [0, 1], and truth that is neither 0 nor 1.
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
        raise ValueError(f"Expected truth of 0 and 1. Received: {np.unique(truth).tolist()}")
    return scores, truth.astype(bool)


def cells(scores: ArrayLike, covid: ArrayLike, threshold: float) -> np.ndarray:
    """The cell of each film, (n,) of the strings in CELLS."""
    scores, truth = check(scores, covid)
    called = is_positive(scores, threshold)
    return np.select([truth & called, truth & ~called, ~truth & called], CELLS[:3], CELLS[3])


def confusion(scores: ArrayLike, covid: ArrayLike, threshold: float) -> Confusion:
    """The confusion matrix at `threshold` (any number: 0 and 1 are thresholds like others)."""
    found = cells(scores, covid, threshold)
    return Confusion(*(int((found == cell).sum()) for cell in CELLS))
