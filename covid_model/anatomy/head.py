"""From features to score: the numbers of the dense layers on one film."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class HeadNumbers:
    """What the head makes of one film.

    Attributes:
        features: (n,) float32, what goes in: 25,088 numbers flattened or 512 means.
        units: (units,) float32, what the first dense layer makes of them, after its ReLU.
        weights: (units,) float32, what each unit counts for in the logit.
        bias: the logit where every unit is off.
        logit: sum of units times weights, and the bias.
        score: sigmoid of the logit, 0 to 1.
    """

    features: np.ndarray
    units: np.ndarray
    weights: np.ndarray
    bias: float
    logit: float
    score: float

    @property
    def parts(self) -> np.ndarray:
        """(units,) what each unit adds to the logit; with the bias they sum up to it."""
        return self.units * self.weights

    @property
    def active(self) -> int:
        """Units that are not 0."""
        return int((self.units > 0).sum())

    @property
    def ups(self) -> float:
        """The sum of the parts that raise the logit."""
        return float(self.parts[self.parts > 0].sum())

    @property
    def downs(self) -> float:
        """The sum of the parts that lower it, 0 or less."""
        return float(self.parts[self.parts < 0].sum())

    def largest(self, count: int) -> list[int]:
        """The numbers of the `count` units that move the logit most, from the highest part to the lowest."""
        parts = self.parts
        chosen = np.argsort(-np.abs(parts), kind="stable")[:count]
        return [int(unit) for unit in chosen[np.argsort(-parts[chosen], kind="stable")] if parts[unit] != 0]
