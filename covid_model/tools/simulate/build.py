"""Change the body of the CT: stretch it, add fat or breasts, enlarge the heart, turn it."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from scipy import ndimage

from covid_model.tools.simulate.ct import FAT, HEART, SOFT_LIMIT, Chest

GLAND = -40  # Hounsfield units of a breast, fat and gland together


@dataclass(frozen=True)
class Build:
    """Differences of a body from that of the CT.

    Attributes:
        width, depth, height: stretch from side to side, from front to back and along the spine.
        fat: millimeters of fat added under the skin.
        heart: growth of the heart, 0 to about 0.3.
        bone: bone mineral, as a multiple of the CT's, which is of an older person.
        breasts: depth of breasts in millimeters, 0 for none.
        turn: rotation about the spine in degrees (positive: left side to the back).
    """

    width: float = 1.0
    depth: float = 1.0
    height: float = 1.0
    fat: float = 0.0
    heart: float = 0.0
    bone: float = 2.0
    breasts: float = 0.0
    turn: float = 0.0


def shape(chest: Chest, build: Build, lesion: np.ndarray | None = None) -> tuple[Chest, np.ndarray]:
    """Change a chest to another body.

    Args:
        chest: a clean chest.
        build: what to change.
        lesion: (z, y, x) float32, the lesion's density, deformed with the body; None for none.

    Returns:
        The chest and the lesion, in the shape of `chest`.
    """
    lesion = np.zeros(chest.hu.shape, np.float32) if lesion is None else lesion
    hu = _with_breasts(chest, build.breasts) if build.breasts else chest.hu
    hu = _with_fat(hu, build.fat, chest.spacing) if build.fat else hu
    hu = np.where(hu > SOFT_LIMIT, SOFT_LIMIT + build.bone * (hu - SOFT_LIMIT), hu).astype(np.float32)
    depth, height, width = hu.shape
    y0, x0 = (height - 1) / 2, (width - 1) / 2
    y, x = np.mgrid[:height, :width].astype(np.float32)
    angle = np.deg2rad(build.turn)
    turned_x = (np.cos(angle) * (x - x0) + np.sin(angle) * (y - y0)) / build.width + x0
    turned_y = (-np.sin(angle) * (x - x0) + np.cos(angle) * (y - y0)) / build.depth + y0
    heart = np.argwhere(chest.labels == HEART)
    grown = [np.empty_like(hu), np.empty_like(chest.labels), np.empty_like(lesion)]
    for z in range(depth):
        map_x, map_y = turned_x, turned_y
        if build.heart and len(heart):
            zc, yc, xc = heart.mean(0)
            reach = 90 / chest.spacing[2]  # voxels
            off_z = (z - zc) * chest.spacing[0] / 70
            squared = ((map_x - xc) / reach) ** 2 + ((map_y - yc) / reach) ** 2 + off_z**2
            pull = 1 - build.heart * np.exp(-2 * squared)
            map_x, map_y = xc + (map_x - xc) * pull, yc + (map_y - yc) * pull
        map_x, map_y = map_x.astype(np.float32), map_y.astype(np.float32)
        grown[0][z] = cv2.remap(hu[z], map_x, map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        grown[1][z] = cv2.remap(chest.labels[z], map_x, map_y, cv2.INTER_NEAREST)
        grown[2][z] = cv2.remap(lesion[z], map_x, map_y, cv2.INTER_LINEAR)
    spacing = (chest.spacing[0] * build.height, *chest.spacing[1:])
    return Chest(grown[0], grown[1], spacing), grown[2]


def _with_fat(hu: np.ndarray, thickness: float, spacing: tuple[float, float, float]) -> np.ndarray:
    """Add fat of `thickness` mm around the body, slice by slice."""
    radius = max(1, round(thickness / spacing[1]))
    disk = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    result = hu.copy()
    for plane in result:
        body = ndimage.binary_fill_holes(plane > -500).astype(np.uint8)
        core = cv2.erode(body, np.ones((5, 5), np.uint8))
        ring = (cv2.dilate(body, disk) > 0) & (core == 0)
        plane[ring] = np.maximum(plane[ring], FAT)
    return result


def _with_breasts(chest: Chest, forward: float) -> np.ndarray:
    """Add two domes to the front of the chest wall, a little below its middle."""
    sz, sy, sx = chest.spacing
    lungs = chest.lungs
    low, high = np.flatnonzero(lungs.any(axis=(1, 2)))[[0, -1]]
    left, right = np.flatnonzero(lungs.any(axis=(0, 1)))[[0, -1]]
    depth, height, width = chest.hu.shape
    above = (np.arange(depth)[:, None] - (low + 0.38 * (high - low))) * sz  # (z, 1) mm from the breasts' level
    dome = np.zeros((depth, width))
    for side in (-1, 1):
        beside = (np.arange(width)[None, :] - ((left + right) / 2 + side * 0.27 * (right - left))) * sx
        off = (beside / 64) ** 2 + (above / np.where(above > 0, 95, 55)) ** 2  # 1 at the rim
        steepness = 0.5 + 1.0 * np.clip(above / 70, 0, 1)  # fuller below
        dome = np.maximum(dome, forward * np.clip(1 - off, 0, 1) ** steepness)  # (z, x) mm in front of the skin
    solid = chest.hu > -500
    skin = np.where(solid.any(axis=1), height - 1 - solid[:, ::-1].argmax(axis=1), height)  # (z, x), the foremost row
    row = np.arange(height)[None, :, None]
    inside = (row >= skin[:, None] - 1) & (row <= (skin + dome / sy)[:, None]) & (dome > 0)[:, None]
    return np.where(inside, np.maximum(chest.hu, GLAND), chest.hu).astype(np.float32)
