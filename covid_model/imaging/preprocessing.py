"""From a film to what a network takes in. Written once: training, the command line and the app all come here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import cv2
import numpy as np

from covid_model import config

IMAGENET_MEAN_BGR = (103.939, 116.779, 123.68)  # Keras' VGG-19 preprocessing subtracts it from each channel


@dataclass(frozen=True)
class Preprocessing:
    """How a network wants its films. The defaults are the paper network's: squash to a square, nothing else.

    Attributes:
        size: pixels a side of the network's input.
        border: share of width and of height cut off on each side, 0 to 0.25 (markers, collimation and scanner
            frames live there).
        blur: standard deviation in input pixels of a Gaussian blur, 0 for none (evens out sharpness, which tells
            one film archive from another).
        equalize: whether the grey levels are spread evenly (histogram equalisation: two films that differ only in
            their tone curve become the same film).
    """

    size: int = field(default_factory=lambda: config.INPUT_SIZE)
    border: float = 0.0
    blur: float = 0.0
    equalize: bool = False

    @property
    def box(self) -> tuple[float, float, float, float]:
        """Left, top, right, bottom of the part that the network sees, as fractions of the film."""
        return (self.border, self.border, 1 - self.border, 1 - self.border)


def prepare(pixels: np.ndarray, how: Preprocessing) -> np.ndarray:
    """Cut, squash and level one film.

    Args:
        pixels: (height, width) uint8, bright where the film is dense.
        how: the network's preprocessing.

    Returns:
        (how.size, how.size) uint8.
    """
    if pixels.ndim != 2 or pixels.dtype != np.uint8:
        raise ValueError(f"A film is a (height, width) array of uint8. Received: {pixels.shape} of {pixels.dtype}.")
    height, width = pixels.shape
    top, left = round(height * how.border), round(width * how.border)
    inner = pixels[top : height - top, left : width - left]  # (h, w)
    shrinks = inner.shape[0] > how.size or inner.shape[1] > how.size
    square = cv2.resize(
        inner, (how.size, how.size), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    )  # (size, size)
    if how.blur:
        square = cv2.GaussianBlur(square, (0, 0), how.blur)
    if how.equalize:
        square = cv2.equalizeHist(square)
    return square


def to_input(prepared: np.ndarray) -> np.ndarray:
    """Three equal channels less ImageNet's mean: Keras' own VGG-19 preprocessing, for grey films.

    Args:
        prepared: (n, size, size) uint8.

    Returns:
        (n, size, size, 3) float32, channels in the order blue, green, red.
    """
    grey = prepared.astype(np.float32)[..., None]  # (n, size, size, 1)
    return grey - np.asarray(IMAGENET_MEAN_BGR, np.float32)  # (n, size, size, 3)


def batches(items: Iterable[np.ndarray], size: int | None = None) -> Iterator[np.ndarray]:
    """Stack arrays in groups of `size`; the last may be smaller."""
    size = config.BATCH if size is None else size
    group: list[np.ndarray] = []
    for item in items:
        group.append(item)
        if len(group) == size:
            yield np.stack(group)
            group = []
    if group:
        yield np.stack(group)
