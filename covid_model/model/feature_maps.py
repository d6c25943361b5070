"""Feature maps, filters and Grad-CAM's parts, chosen and made small. Arrays in, arrays out."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from covid_model.model import gradcam

STRONGEST = 12  # maps of a layer that are kept
LARGEST = 112  # pixels a side of a kept map at most
EXPLAINED = 6  # maps that Grad-CAM's sum is shown of
TILE = 24  # pixels a side of a filter's picture
GAP = 3  # pixels between them


@dataclass(frozen=True)
class Maps:
    """What one layer makes of one film.

    Attributes:
        layer: its name.
        channels: the numbers of the maps with the highest means, strongest first.
        means: of these maps, in the layer's own units (after its ReLU: 0 or more).
        pictures: (n, h, w) uint8, each map from black (0) to white (its own highest value).
        silent: how many of the layer's maps are 0 everywhere on this film.
        total: how many maps the layer has.
    """

    layer: str
    channels: tuple[int, ...]
    means: tuple[float, ...]
    pictures: np.ndarray
    silent: int
    total: int


@dataclass(frozen=True)
class GradCam:
    """Grad-CAM's steps on one film (Selvaraju et al. 2017).

    Attributes:
        weights: (channels,) means of the logit's gradients over each map, equation 1.
        channels: the maps that add most to the sum, by magnitude, most first.
        maps: (n, h, w) float32, these maps as they come out of the layer.
        weighted: (n, h, w) float32, the same times their weights.
        summed: (h, w) float32, all weighted maps added, equation 2 before its ReLU.
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


def strongest(layer: str, maps: np.ndarray, keep: int = STRONGEST) -> Maps:
    """The maps of a layer that answer most to a film. `maps`: (h, w, channels)."""
    means = maps.mean(axis=(0, 1), dtype=np.float64)
    channels = np.argsort(-means, kind="stable")[:keep]
    return Maps(
        layer=layer,
        channels=tuple(int(channel) for channel in channels),
        means=tuple(float(means[channel]) for channel in channels),
        pictures=np.stack([_small(grey(maps[..., channel])) for channel in channels]),
        silent=int((maps.max(axis=(0, 1)) <= 0).sum()),
        total=maps.shape[-1],
    )


def steps(features: np.ndarray, gradients: np.ndarray, keep: int = EXPLAINED) -> GradCam:
    """Grad-CAM taken apart. `features`, `gradients`: (h, w, channels), as `gradcam.signed_map` takes them."""
    weights = gradients.mean(axis=(0, 1), dtype=np.float32)  # (channels,)
    weighted = features.astype(np.float32) * weights  # (h, w, channels)
    channels = np.argsort(-np.abs(weighted).sum(axis=(0, 1)), kind="stable")[:keep]
    return GradCam(
        weights=weights,
        channels=tuple(int(channel) for channel in channels),
        maps=np.moveaxis(features[..., channels], -1, 0).astype(np.float32),
        weighted=np.moveaxis(weighted[..., channels], -1, 0),
        summed=gradcam.signed_map(features, gradients),
    )


def grey(values: np.ndarray) -> np.ndarray:
    """(h, w) as uint8: 0 and less black, the highest value white."""
    highest = float(values.max(initial=0.0))
    return np.rint(255 * np.clip(values / highest, 0, 1)).astype(np.uint8) if highest > 0 else _black(values.shape)


def filters(kernel: np.ndarray, across: int = 8) -> np.ndarray:
    """The filters of a convolution on one sheet, in rows of `across`.

    Args:
        kernel: (height, width, channels in, filters). With three channels in, blue, green, red, a filter is a colour
            picture; with more, the slice of its largest channel is shown in grey. Mid grey is weight 0.

    Returns:
        (H, W, 3) uint8 red, green, blue.
    """
    into, count = kernel.shape[2:]
    rows = -(-count // across)
    sheet = np.full((rows * (TILE + GAP) + GAP, across * (TILE + GAP) + GAP, 3), 255, np.uint8)
    for number in range(count):
        one = kernel[..., number]  # (height, width, into)
        if into == 3:
            one = one[..., ::-1]
        else:
            largest = np.abs(one).sum(axis=(0, 1)).argmax()
            one = np.repeat(one[..., largest : largest + 1], 3, axis=2)
        limit = float(np.abs(one).max()) or 1.0
        tile = np.rint(127.5 + 127.5 * one / limit).astype(np.uint8)
        row, column = divmod(number, across)
        top, left = GAP + row * (TILE + GAP), GAP + column * (TILE + GAP)
        sheet[top : top + TILE, left : left + TILE] = cv2.resize(tile, (TILE, TILE), interpolation=cv2.INTER_NEAREST)
    return sheet


def enlarged(picture: np.ndarray, side: int) -> np.ndarray:
    """A small picture with its pixels as squares, `side` pixels wide."""
    height = max(1, round(side * picture.shape[0] / picture.shape[1]))
    return cv2.resize(picture, (side, height), interpolation=cv2.INTER_NEAREST)


def _small(picture: np.ndarray) -> np.ndarray:
    if max(picture.shape) <= LARGEST:
        return picture
    return cv2.resize(picture, (LARGEST, LARGEST), interpolation=cv2.INTER_AREA)


def _black(shape: tuple[int, ...]) -> np.ndarray:
    return np.zeros(shape, np.uint8)
