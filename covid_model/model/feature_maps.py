"""Turn feature maps and filters into small images. Arrays in, arrays out."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

STRONGEST = 12  # maps kept per layer
LARGEST = 112  # longest side of a kept map in pixels
TILE = 24  # side of a filter's image in pixels
GAP = 3  # pixels between tiles


@dataclass(frozen=True)
class Maps:
    """The strongest feature maps of one layer for one film.

    Attributes:
        layer: Name of the layer.
        channels: Channels with the highest means, strongest first.
        means: Their means, after the layer's ReLU, so 0 or more.
        pictures: (n, h, w) uint8, each map from black (0) to white (its own maximum).
        silent: Number of the layer's maps that are 0 everywhere on this film.
        total: Number of the layer's maps.
    """

    layer: str
    channels: tuple[int, ...]
    means: tuple[float, ...]
    pictures: np.ndarray
    silent: int
    total: int


def strongest(layer: str, maps: np.ndarray, keep: int = STRONGEST) -> Maps:
    """Return the `keep` maps of a layer with the highest means. `maps`: (h, w, channels)."""
    means = maps.mean(axis=(0, 1), dtype=np.float64)  # (channels,)
    channels = np.argsort(-means, kind="stable")[:keep]
    return Maps(
        layer=layer,
        channels=tuple(int(channel) for channel in channels),
        means=tuple(float(means[channel]) for channel in channels),
        pictures=np.stack([_shrink(gray(maps[..., channel])) for channel in channels]),
        silent=int((maps.max(axis=(0, 1)) <= 0).sum()),
        total=maps.shape[-1],
    )


def gray(values: np.ndarray) -> np.ndarray:
    """Return (h, w) as uint8: 0 and below black, the maximum white."""
    highest = float(values.max(initial=0.0))
    if highest <= 0:
        return np.zeros(values.shape, np.uint8)
    return np.rint(255 * np.clip(values / highest, 0, 1)).astype(np.uint8)


def filters(kernel: np.ndarray, columns: int = 8) -> np.ndarray:
    """Draw the filters of a convolution as a grid of `columns` columns.

    Args:
        kernel: (height, width, input channels, filters). With three input channels (blue, green, red), each filter is
            a color image; with more, the slice of its largest channel is drawn in gray. Mid gray is weight 0.

    Returns:
        (H, W, 3) uint8, red, green, blue.
    """
    in_channels, count = kernel.shape[2:]
    rows = -(-count // columns)
    sheet = np.full((rows * (TILE + GAP) + GAP, columns * (TILE + GAP) + GAP, 3), 255, np.uint8)
    for index in range(count):
        weights = kernel[..., index]  # (height, width, in_channels)
        if in_channels == 3:
            weights = weights[..., ::-1]
        else:
            largest = np.abs(weights).sum(axis=(0, 1)).argmax()
            weights = np.repeat(weights[..., largest : largest + 1], 3, axis=2)
        limit = float(np.abs(weights).max()) or 1.0
        tile = np.rint(127.5 + 127.5 * weights / limit).astype(np.uint8)
        row, column = divmod(index, columns)
        top, left = GAP + row * (TILE + GAP), GAP + column * (TILE + GAP)
        sheet[top : top + TILE, left : left + TILE] = cv2.resize(tile, (TILE, TILE), interpolation=cv2.INTER_NEAREST)
    return sheet


def enlarged(picture: np.ndarray, side: int) -> np.ndarray:
    """Return a small image enlarged to `side` pixels wide, with its pixels as squares."""
    height = max(1, round(side * picture.shape[0] / picture.shape[1]))
    return cv2.resize(picture, (side, height), interpolation=cv2.INTER_NEAREST)


def _shrink(picture: np.ndarray) -> np.ndarray:
    if max(picture.shape) <= LARGEST:
        return picture
    return cv2.resize(picture, (LARGEST, LARGEST), interpolation=cv2.INTER_AREA)
