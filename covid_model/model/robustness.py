"""Measure how far the score of one film moves under changes that must not matter."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from covid_model.imaging import Film
from covid_model.imaging.augment import Augmentation
from covid_model.model.predictor import Predictor

KINDS = {
    "rotation": Augmentation(rotation=4.0),
    "shift": Augmentation(shift=0.03),
    "contrast": Augmentation(contrast=0.3, gamma=0.2),
    "jpeg": Augmentation(jpeg=40, each=1.0),
}
ALL = Augmentation(rotation=4.0, shift=0.03, contrast=0.3, gamma=0.2, jpeg=40, each=0.5)
COPIES = 16  # jittered copies of a film
BATCH = 4  # copies read in one pass: more are not faster, and a server has not the memory


@dataclass(frozen=True)
class Spread:
    """One film's score and the scores (n,) of its jittered copies, all in [0, 1]."""

    score: float
    scores: np.ndarray
    threshold: float

    @property
    def low(self) -> float:
        """Nine copies in ten score above it."""
        return float(np.quantile(self.scores, 0.1))

    @property
    def high(self) -> float:
        """Nine copies in ten score below it."""
        return float(np.quantile(self.scores, 0.9))

    @property
    def stays(self) -> float:
        """The share of copies with the same verdict as the film itself."""
        return float(((self.scores > self.threshold) == (self.score > self.threshold)).mean())


def spread(
    reader: Predictor, film: Film | np.ndarray, n: int = COPIES, jitter: Augmentation = ALL, seed: int = 0
) -> Spread:
    """How far the score of `film` moves: `n` jittered copies, a few in one pass. The same seed gives the same copies.

    Raises ValueError where n is below 1.
    """
    if n < 1:
        raise ValueError(f"n is at least 1. Received: {n!r}.")
    pixels = film.pixels if isinstance(film, Film) else film
    rng = np.random.default_rng(seed)
    found = np.array(list(reader.scores([pixels, *(jitter(pixels, rng) for _ in range(n))], BATCH)))
    return Spread(float(found[0]), found[1:], reader.spec.threshold)
