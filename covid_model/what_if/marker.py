"""A letter in a corner, such as radiographers lay on a film: which side is which, or how the patient lay."""

from __future__ import annotations

import cv2
import numpy as np

from covid_model import settings

TEXTS = ("L", "R", "AP SUPINE", "PORTABLE")  # what stands on films; the last two are of bedside films, adults' mostly
CORNERS = ("top left", "top right", "bottom left", "bottom right")
TALL = 0.09  # of the film's shorter side: height of a letter
MARGIN = 0.03  # of the shorter side: between the letters and the edges
WIDEST = 0.5  # of the film's width: longer words are written smaller
LEAD = 0.97  # share of white that is laid over the film's own grey
FONT, FONT_TALL = cv2.FONT_HERSHEY_SIMPLEX, 22  # and the height in pixels of its capitals at scale 1
THICK = 7  # a stroke's thickness is one letter's height over this


def mark(pixels: np.ndarray, text: str, corner: str) -> np.ndarray:
    """`pixels` (height, width) uint8 with `text` in white in a corner; a new array.

    Args:
        text: one of TEXTS.
        corner: one of CORNERS.

    Raises:
        ValueError: for other words or corners.
    """
    if text not in TEXTS:
        raise ValueError(f"Markers are {', '.join(TEXTS)}. Received: {text!r}.")
    if corner not in CORNERS:
        raise ValueError(f"Corners are {', '.join(CORNERS)}. Received: {corner!r}.")
    height, width = pixels.shape
    short = min(height, width)
    scale, thick = _size(text, TALL * short)
    (wide, tall), _ = cv2.getTextSize(text, FONT, scale, thick)
    if wide > WIDEST * width:
        scale, thick = _size(text, TALL * short * WIDEST * width / wide)
        (wide, tall), _ = cv2.getTextSize(text, FONT, scale, thick)
    margin = round(MARGIN * short)
    x = margin if "left" in corner else width - margin - wide
    y = margin + tall if "top" in corner else height - margin
    drawn = np.zeros(pixels.shape, np.uint8)
    cv2.putText(drawn, text, (x, y), FONT, scale, settings.GREY_LEVELS, thick, cv2.LINE_AA)
    share = LEAD / settings.GREY_LEVELS * drawn.astype(np.float32)  # (height, width), 0 beside the letters
    return np.rint(pixels + share * (settings.GREY_LEVELS - pixels.astype(np.float32))).astype(np.uint8)


def _size(text: str, tall: float) -> tuple[float, int]:
    """OpenCV's scale and thickness for capitals `tall` pixels high."""
    return tall / FONT_TALL, max(1, round(tall / THICK))
