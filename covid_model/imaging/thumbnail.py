"""Make thumbnails of films: shrink, fit into a square, encode as JPEG."""

from __future__ import annotations

import cv2
import numpy as np

CARD_SIDE = 320  # pixels: the side of a gallery card


def fit_square(picture: np.ndarray, side: int | None = None) -> np.ndarray:
    """Center an image, (H, W) or (H, W, 3) uint8, in a black square of `side` pixels, CARD_SIDE by default."""
    side = CARD_SIDE if side is None else side
    scale = side / max(picture.shape[:2])
    height, width = (max(1, round(length * scale)) for length in picture.shape[:2])
    interpolation = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    square = np.zeros((side, side, *picture.shape[2:]), np.uint8)
    top, left = (side - height) // 2, (side - width) // 2
    square[top : top + height, left : left + width] = cv2.resize(picture, (width, height), interpolation=interpolation)
    return square


def encode_jpeg(picture: np.ndarray, quality: int = 85) -> bytes:
    """Encode an image, (h, w) gray or (h, w, 3) red, green, blue uint8, as a JPEG of this quality, 0 to 100."""
    bgr = cv2.cvtColor(picture, cv2.COLOR_RGB2BGR) if picture.ndim == 3 else picture
    return cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()


def shrink(pixels: np.ndarray, side: int) -> np.ndarray:
    """Scale `pixels` (h, w) down to a longer side of `side`; return them unchanged if they are not larger."""
    scale = side / max(pixels.shape)
    if scale >= 1:
        return pixels
    size = (max(1, round(pixels.shape[1] * scale)), max(1, round(pixels.shape[0] * scale)))
    return cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
