"""Grad-CAM (Selvaraju et al. 2017): where the features that move the logit lie. Maths only: no network, no colours."""

from __future__ import annotations

import numpy as np


def signed_map(features: np.ndarray, gradients: np.ndarray) -> np.ndarray:
    """The weighted sum of feature maps before its ReLU: positive where the film speaks for COVID, negative against.

    Args:
        features: (h, w, channels), what the last convolutional layer made of the film.
        gradients: (h, w, channels), of the logit with respect to `features`.

    Returns:
        (h, w) float32. Its positive part is the paper's Grad-CAM (equations 1 and 2); its negative part is their
        counterfactual map, the same for the opposite answer.
    """
    if features.shape != gradients.shape or features.ndim != 3:
        raise ValueError(
            f"features and gradients are (h, w, channels) alike. Received: {features.shape} and {gradients.shape}."
        )
    weights = gradients.mean(axis=(0, 1), dtype=np.float32)  # (channels,): equation 1
    return (features.astype(np.float32) @ weights).astype(np.float32)  # (h, w): equation 2 before its ReLU


def scaled(signed: np.ndarray) -> np.ndarray:
    """A map divided by its largest magnitude, so that it lies in [-1, 1]; a map of zeros stays one."""
    largest = float(np.abs(signed).max(initial=0.0))
    return signed / largest if largest > 0 else np.zeros_like(signed)
