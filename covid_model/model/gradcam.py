"""Grad-CAM (Selvaraju et al. 2017, https://arxiv.org/abs/1610.02391): which parts of a film move the logit.

Arrays in, arrays out: `predictor` and `activations` run the network, `imaging.heatmap` colors the result.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

TOP_CHANNELS = 6  # channels whose share of the sum is shown
SHARE_SIDE = 224  # pixels a side at which `heat_share` measures


def make_gradcam_heatmap(features: np.ndarray, gradients: np.ndarray) -> np.ndarray:
    """Return the signed Grad-CAM heatmap: the sum of feature maps weighted by their mean gradients, before the ReLU.

    Args:
        features: (h, w, channels), the output of the last convolutional layer.
        gradients: (h, w, channels), of the logit with respect to `features`.

    Returns:
        (h, w) float32. Its positive part is the paper's Grad-CAM (equations 1 and 2); its negative part is their
        counterfactual map, the same for the opposite class.

    Raises:
        ValueError: The shapes differ or are not three-dimensional.
    """
    if features.shape != gradients.shape or features.ndim != 3:
        raise ValueError(
            "`features` and `gradients` must both have the shape (h, w, channels). "
            f"Received: {features.shape} and {gradients.shape}."
        )
    weights = gradients.mean(axis=(0, 1), dtype=np.float32)  # (channels,): equation 1
    return (features.astype(np.float32) @ weights).astype(np.float32)  # (h, w): equation 2 before its ReLU


def normalize(heatmap: np.ndarray) -> np.ndarray:
    """Return a heatmap divided by its largest magnitude, so in [-1, 1]; zeros stay zeros."""
    largest = float(np.abs(heatmap).max(initial=0.0))
    return heatmap / largest if largest > 0 else np.zeros_like(heatmap)


def heat_share(
    heatmap: np.ndarray, box: tuple[float, float, float, float], regions: Sequence[Sequence[float]]
) -> tuple[float, float]:
    """Return the share of a heatmap's positive values inside some regions, and the share of its area.

    Each region is widened by half a cell of the heatmap on every side, as a cell sees its surroundings.

    Args:
        heatmap: (h, w), before it is enlarged.
        box: Left, top, right and bottom of the part of the film that it covers, as fractions of the film.
        regions: The same of each region.

    Returns:
        Two numbers in [0, 1]; (0, 0) if no region is in the part that the heatmap covers.
    """
    side = SHARE_SIDE
    x, y = np.meshgrid(*[(np.arange(side) + 0.5) / side] * 2)
    x, y = box[0] + x * (box[2] - box[0]), box[1] + y * (box[3] - box[1])  # fractions of the film
    wide, high = (box[2] - box[0]) / heatmap.shape[1] / 2, (box[3] - box[1]) / heatmap.shape[0] / 2
    inside = np.zeros((side, side), bool)
    for left, top, right, bottom in regions:
        if right > box[0] and left < box[2] and bottom > box[1] and top < box[3]:
            inside |= (x > left - wide) & (x < right + wide) & (y > top - high) & (y < bottom + high)
    return _share(heatmap, inside)


def heat_in_mask(heatmap: np.ndarray, box: tuple[float, float, float, float], mask: np.ndarray) -> tuple[float, float]:
    """Return the share of a heatmap's positive values inside a mask, and the mask's share of its area.

    Args:
        heatmap: (h, w), as it is before it is enlarged.
        box: Left, top, right and bottom of the part of the film that it covers, as fractions of the film.
        mask: (H, W) bool, of the whole film.

    Returns:
        Two numbers in [0, 1].
    """
    height, width = mask.shape
    left, top, right, bottom = (round(edge * side) for edge, side in zip(box, (width, height) * 2, strict=True))
    part = mask[top:bottom, left:right].astype(np.uint8)
    return _share(heatmap, cv2.resize(part, (SHARE_SIDE, SHARE_SIDE), interpolation=cv2.INTER_NEAREST) > 0)


def _share(heatmap: np.ndarray, inside: np.ndarray) -> tuple[float, float]:
    positive = np.maximum(heatmap, 0).astype(np.float32)
    fine = cv2.resize(positive, inside.shape[::-1], interpolation=cv2.INTER_LINEAR)
    total = float(fine.sum())
    return (float(fine[inside].sum()) / total if total else 0.0), float(inside.mean())


@dataclass(frozen=True)
class GradCamSteps:
    """Grad-CAM on one film, step by step.

    Attributes:
        weights: (channels,) mean gradient of the logit over each feature map, equation 1.
        channels: Indices of the channels that add most to the sum, by magnitude, largest first.
        maps: (n, h, w) float32, the feature maps of `channels`.
        weighted: (n, h, w) float32, the same multiplied by their weights.
        summed: (h, w) float32, the sum over all weighted maps, equation 2 before its ReLU.
    """

    weights: np.ndarray
    channels: tuple[int, ...]
    maps: np.ndarray
    weighted: np.ndarray
    summed: np.ndarray

    @property
    def positive(self) -> np.ndarray:
        """(h, w) float32: the sum after its ReLU."""
        return np.maximum(self.summed, 0)


def gradcam_steps(features: np.ndarray, gradients: np.ndarray) -> GradCamSteps:
    """Return the steps of Grad-CAM with its TOP_CHANNELS largest channels. Arguments as in `make_gradcam_heatmap`."""
    weights = gradients.mean(axis=(0, 1), dtype=np.float32)  # (channels,)
    weighted = features.astype(np.float32) * weights  # (h, w, channels)
    channels = np.argsort(-np.abs(weighted).sum(axis=(0, 1)), kind="stable")[:TOP_CHANNELS]
    return GradCamSteps(
        weights=weights,
        channels=tuple(int(channel) for channel in channels),
        maps=np.moveaxis(features[..., channels], -1, 0).astype(np.float32),  # (keep, h, w)
        weighted=np.moveaxis(weighted[..., channels], -1, 0),
        summed=make_gradcam_heatmap(features, gradients),
    )
