"""Scale images to 8 bits, convert color to grayscale, detect inverted X-rays."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np

from covid_model import config
from covid_model.imaging.image import FilmError, Refusal

MIN_TONES = 8  # gray levels that a film must span; an image that spans fewer is constant
COLOR_LEVELS = 16  # a pixel is colored if its channels differ by more than this
INVERTED_BELOW = -0.3  # correlation with the usual layout of a film, below which its tones count as inverted
ROWS = 256  # rows processed at a time, so that no large copy of a large film is made

# The usual brightness of a film's parts: its left half in 8 x 4 fields; the right half is its mirror image. Means over
# the train and extra splits (each film scaled to mean 0 and deviation 1, equal weight per source), to one decimal.
LEFT_HALF = (
    (-2.0, -1.6, -1.0, 0.2),
    (-0.7, -0.1, -0.5, 0.1),
    (-0.3, 0.0, -1.0, 0.1),
    (-0.4, -0.1, -0.9, 0.6),
    (-0.6, -0.2, -0.3, 1.1),
    (-0.9, 0.0, 0.4, 1.5),
    (-1.1, 0.6, 1.3, 1.8),
    (-1.1, 1.1, 1.8, 2.1),
)
INVERTED = "The tones look inverted (bright lungs); the network was trained on X-rays with dark lungs."


def blocks(height: int) -> Iterator[slice]:
    """Yield slices of at most ROWS rows that together cover `height` rows."""
    return (slice(top, min(top + ROWS, height)) for top in range(0, height, ROWS))


def stretch(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """Scale `values` of any type and shape to uint8: `low` and below to 0, `high` and above to 255, linear between."""
    scaled = (values.astype(np.float64) - low) * (config.GRAY_LEVELS / (high - low))
    return np.clip(np.rint(scaled), 0, config.GRAY_LEVELS).astype(np.uint8)


def check_range(low: float, high: float, whole_numbers: bool) -> None:
    """Raise FilmError if an image's values, from `low` to `high`, are not finite or all (nearly) the same."""
    if not (np.isfinite(low) and np.isfinite(high)):
        raise FilmError(
            "The image contains values that are not numbers (NaN or infinity). Export the X-ray with finite values.",
            Refusal.NOT_FINITE,
        )
    if high - low < (MIN_TONES if whole_numbers else np.finfo(np.float32).tiny):
        raise FilmError(
            "The image is all one tone; an X-ray has light and dark parts. Check that the export worked.",
            Refusal.ONE_TONE,
        )


def gray_of_color(rgb: np.ndarray) -> tuple[np.ndarray, int]:
    """Return the luminance (h, w) of `rgb` (h, w, 3), both uint8, and how many of its pixels are colored."""
    red, green, blue = rgb[..., 0], rgb[..., 1], rgb[..., 2]
    spread = np.maximum(np.maximum(red, green), blue) - np.minimum(np.minimum(red, green), blue)
    return cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), int(np.count_nonzero(spread > COLOR_LEVELS))


def looks_inverted(pixels: np.ndarray) -> bool:
    """Return whether `pixels` (height, width) uint8 look like the negative of a frontal chest X-ray.

    Correlates 8 x 8 field means with the usual layout. Measured on 11,512 frontal films of adults and children from
    six sources: it flags 1 of them (0.01 %; at most 0.03 % of any one source) and 99 % of their negatives.
    """
    left = np.array(LEFT_HALF)
    usual = np.hstack([left, left[:, ::-1]])
    fields = cv2.resize(pixels, (8, 8), interpolation=cv2.INTER_AREA).astype(np.float64)
    if fields.std() == 0:
        return False
    return bool(np.corrcoef(fields.ravel(), usual.ravel())[0, 1] < INVERTED_BELOW)
