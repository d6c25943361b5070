"""Preprocess films for a network. Training, the command line and the app all use this module."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

import cv2
import numpy as np

from covid_model import config

IMAGENET_MEAN_BGR = (103.939, 116.779, 123.68)  # Keras' VGG-19 preprocessing subtracts it from each channel


@dataclass(frozen=True)
class Preprocessing:
    """How a network's input is prepared. The defaults are the paper's: resize to a square, nothing else.

    Attributes:
        size: pixels a side of the network's input.
        border: share of width and of height cut off on each side, 0 to 0.25 (it contains markers, collimation and
            scanner frames).
        blur: standard deviation in input pixels of a Gaussian blur, 0 for none (evens out sharpness, by which
            archives differ).
        equalize: whether the histogram is equalized (two films that differ only in their tone curve become equal).
    """

    size: int = field(default_factory=lambda: config.INPUT_SIZE)
    border: float = 0.0
    blur: float = 0.0
    equalize: bool = False

    @property
    def box(self) -> tuple[float, float, float, float]:
        """Return left, top, right, bottom of the part that the network sees, as fractions of the film."""
        return (self.border, self.border, 1 - self.border, 1 - self.border)


def prepare(pixels: np.ndarray, preprocessing: Preprocessing) -> np.ndarray:
    """Crop, resize, blur and equalize one film.

    Args:
        pixels: (height, width) uint8, bright where tissue is dense.
        preprocessing: the network's.

    Returns:
        (size, size) uint8, size being `preprocessing.size`.
    """
    if pixels.ndim != 2 or pixels.dtype != np.uint8:
        raise ValueError(f"pixels must be (height, width) uint8. Received: {pixels.shape} {pixels.dtype}")
    height, width = pixels.shape
    top, left = round(height * preprocessing.border), round(width * preprocessing.border)
    inner = pixels[top : height - top, left : width - left]  # (h, w)
    shrinks = inner.shape[0] > preprocessing.size or inner.shape[1] > preprocessing.size
    square = cv2.resize(
        inner, (preprocessing.size, preprocessing.size), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    )  # (size, size)
    if preprocessing.blur:
        square = cv2.GaussianBlur(square, (0, 0), preprocessing.blur)
    if preprocessing.equalize:
        square = cv2.equalizeHist(square)
    return square


def mean_gray(pixels: np.ndarray) -> float:
    """Return the mean gray, 0 to 255, of the small image that the baselines see of a film (height, width) uint8."""
    return float(prepare(pixels, Preprocessing(size=config.BASELINE_SIDE)).mean())


def to_input(prepared: np.ndarray) -> np.ndarray:
    """Stack three equal channels and subtract ImageNet's mean: Keras' own VGG-19 preprocessing, for grayscale films.

    Args:
        prepared: (n, size, size) uint8.

    Returns:
        (n, size, size, 3) float32, channels in the order blue, green, red.
    """
    gray = prepared.astype(np.float32)[..., None]  # (n, size, size, 1)
    return gray - np.asarray(IMAGENET_MEAN_BGR, np.float32)  # (n, size, size, 3)


def batches(items: Iterable[np.ndarray], size: int | None = None) -> Iterator[np.ndarray]:
    """Yield arrays stacked in groups of `size` (config.BATCH by default); the last group may be smaller."""
    size = config.BATCH if size is None else size
    group: list[np.ndarray] = []
    for item in items:
        group.append(item)
        if len(group) == size:
            yield np.stack(group)
            group = []
    if group:
        yield np.stack(group)


# --- The steps one by one, to show ---


@dataclass(frozen=True)
class Step:
    """One step: its title, a sentence on what it does, and the film after it, (h, w) uint8."""

    title: str
    sentence: str
    picture: np.ndarray


def preparation(pixels: np.ndarray, preprocessing: Preprocessing) -> list[Step]:
    """Return the steps of a network's `preprocessing` in order; the last picture is what `prepare` returns.

    Args:
        pixels: The film, (height, width) uint8.
        preprocessing: The network's preprocessing.
    """
    height, width = pixels.shape
    size, border = preprocessing.size, preprocessing.border
    steps = [Step("Original", f"{width} × {height} gray pixels.", pixels)]
    if border:
        top, left = round(height * border), round(width * border)
        inner = pixels[top : height - top, left : width - left]
        sentence = f"{100 * border:.0f} % is cropped from each side, where letters and frames often are."
        steps.append(Step("Border cropped", sentence, inner))
    sentence = f"{size} × {size} pixels, this network's input size. An X-ray that is not square is distorted."
    steps.append(Step("Resized", sentence, prepare(pixels, replace(preprocessing, blur=0.0, equalize=False))))
    if preprocessing.blur:
        sentence = "All X-rays become about equally sharp, because sharpness could reveal the source of an X-ray."
        steps.append(Step("Blurred", sentence, prepare(pixels, replace(preprocessing, equalize=False))))
    if preprocessing.equalize:
        sentence = "Gray levels are spread evenly, so that a darker or paler copy of an X-ray looks the same."
        steps.append(Step("Histogram-equalized", sentence, prepare(pixels, preprocessing)))
    return steps


def input_ranges(pixels: np.ndarray, preprocessing: Preprocessing) -> dict[str, tuple[float, float]]:
    """Return the minimum and maximum of each input channel: "blue", "green", "red"."""
    values = to_input(prepare(pixels, preprocessing)[None])[0]  # (size, size, 3)
    return {
        name: (float(values[..., channel].min()), float(values[..., channel].max()))
        for channel, name in enumerate(("blue", "green", "red"))
    }
