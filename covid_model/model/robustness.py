"""Measure how much the score of one film changes under small augmentations that should not matter."""

from __future__ import annotations

import numpy as np

from covid_model.imaging.augment import Augmentation
from covid_model.model.predictor import Predictor

ALL = Augmentation(rotation=4.0, shift=0.03, contrast=0.3, gamma=0.2, jpeg=40, each=0.5)
COPIES = 16  # augmented copies of a film
BATCH = 4  # copies per forward pass: more are not faster, and take memory that a server needs


def copy_scores(
    predictor: Predictor, pixels: np.ndarray, n: int = COPIES, augmentation: Augmentation = ALL, seed: int = 0
) -> np.ndarray:
    """Return the scores (n,) of `n` augmented copies of a film (height, width) uint8. A seed gives the same copies.

    Raises:
        ValueError: `n` is below 1.
    """
    if n < 1:
        raise ValueError(f"`n` must be at least 1. Received: {n!r}.")
    rng = np.random.default_rng(seed)
    return np.array(list(predictor.scores([augmentation(pixels, rng) for _ in range(n)], BATCH)))
