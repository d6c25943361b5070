"""The film in another frame: its border cut off, turned about its middle, or mirrored. Tones stay as they are."""

from __future__ import annotations

import cv2
import numpy as np

from covid_model.what_if.erase import border_grey

CROP_MOST = 0.4  # of width and height, on each side: a film's middle is left


def crop(pixels: np.ndarray, share: float) -> np.ndarray:
    """`pixels` (height, width) uint8 without a border of `share` (0 to CROP_MOST) of each side; at least one is left.

    Raises ValueError for another share.
    """
    if not 0 <= share <= CROP_MOST:
        raise ValueError(f"The border cut off is 0 to {CROP_MOST} of a side. Received: {share!r}.")
    height, width = pixels.shape
    top, left = round(share * height), round(share * width)
    return np.ascontiguousarray(pixels[top : height - top, left : width - left])


def turn(pixels: np.ndarray, degrees: float) -> np.ndarray:
    """`pixels` (height, width) uint8 turned about the middle, anticlockwise for `degrees` above 0.

    By a multiple of 90 degrees: all pixels are kept, and height and width change places where they must. By any other
    angle: the frame stays, what leaves it is lost, and what was never there has the grey of the film's border.
    """
    quarters, rest = divmod(degrees, 90)
    if not rest:
        return np.ascontiguousarray(np.rot90(pixels, int(quarters) % 4))
    height, width = pixels.shape
    middle = ((width - 1) / 2, (height - 1) / 2)  # of the pixels' centres
    matrix = cv2.getRotationMatrix2D(middle, degrees, 1)
    outside = border_grey(pixels)
    return cv2.warpAffine(pixels, matrix, (width, height), borderMode=cv2.BORDER_CONSTANT, borderValue=outside)


def mirror(pixels: np.ndarray) -> np.ndarray:
    """`pixels` (height, width) with left and right exchanged."""
    return np.ascontiguousarray(pixels[:, ::-1])
