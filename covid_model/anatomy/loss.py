"""Equation 1 of the paper, for one film: binary cross-entropy of its score and the truth."""

from __future__ import annotations

import numpy as np


def loss(logit: float, truth: bool) -> float:
    """-(y log h + (1 - y) log(1 - h)) with h the sigmoid of `logit`, in nats; finite for every finite logit."""
    return float(np.logaddexp(0.0, -logit if truth else logit))


def slope(logit: float, truth: bool) -> float:
    """The loss's slope by the logit, h - y, in (-1, 1): its sign says which way a step of training pushes the score."""
    return float(0.5 * (1 + np.tanh(0.5 * logit)) - truth)
