"""A part of a film filled, so that nothing of what stood there is left: the lungs, say, or all but the lungs."""

from __future__ import annotations

import cv2
import numpy as np

from covid_model import settings

FILLS = {
    "border grey": "the median grey of the film's own outermost pixels",
    "noise": "random grey of the mean and spread of the film outside the lungs",
    "blur": "the film itself, blurred until nothing of the lungs can be made out",
}
FRAME = 0.02  # of the longer side: how far the border goes in
BLUR = 0.08  # of the longer side: the standard deviation of the blur


def fill(pixels: np.ndarray, where: np.ndarray, how: str, lungs: np.ndarray, seed: int = 0) -> np.ndarray:
    """`pixels` (height, width) uint8 with the part `where` (bool, alike) filled; a new array.

    Args:
        how: one of FILLS.
        lungs: bool, alike: what noise must not be measured on.
    """
    out, longer = pixels.copy(), max(pixels.shape)
    if how == "border grey":
        out[where] = border_grey(pixels)
    elif how == "noise":
        outside = pixels[~lungs] if (~lungs).any() else pixels
        grain = np.random.default_rng(seed).normal(outside.mean(), outside.std(), int(where.sum()))
        out[where] = grain.round().clip(0, settings.GREY_LEVELS).astype(np.uint8)
    elif how == "blur":
        out[where] = cv2.GaussianBlur(pixels, (0, 0), BLUR * longer)[where]
    else:
        raise ValueError(f"Fills are {', '.join(FILLS)}. Received: {how!r}.")
    return out


def border_grey(pixels: np.ndarray) -> int:
    """The median grey, 0 to 255, of a film's outermost pixels."""
    return round(float(np.median(pixels[frame(pixels.shape)])))


def frame(shape: tuple[int, int]) -> np.ndarray:
    """The outermost pixels of a film of (height, width): bool."""
    wide = max(1, round(FRAME * max(shape)))
    edge = np.ones(shape, bool)
    edge[wide:-wide, wide:-wide] = False
    return edge


def box(lungs: np.ndarray) -> np.ndarray:
    """The smallest upright rectangle around the True pixels: bool, alike."""
    out = np.zeros_like(lungs)
    rows, columns = np.flatnonzero(lungs.any(axis=1)), np.flatnonzero(lungs.any(axis=0))
    if rows.size:
        out[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] = True
    return out


def rectangle(shape: tuple[int, int], left: float, top: float, right: float, bottom: float) -> np.ndarray:
    """The part of a film of (height, width) between four edges, given as fractions of width and height: bool."""
    height, width = shape
    out = np.zeros(shape, bool)
    out[round(top * height) : round(bottom * height), round(left * width) : round(right * width)] = True
    return out
