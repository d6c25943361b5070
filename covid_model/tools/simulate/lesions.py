"""Add lesions to the CT, so that a film's lesion is known voxel by voxel."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from scipy import ndimage

from covid_model.tools.simulate.ct import LEFT_LOBES, LOBES, RIGHT_LOBES, Chest

KINDS = ("consolidation", "ground glass", "effusion", "outside")
SOLID, FLUID, CALCIFIED = 20.0, 10.0, 420.0  # Hounsfield units
# By grade: share of the lungs with haze, and the Hounsfield units of the haze and of its dense cores
GROUND_GLASS = {1: (0.16, -620.0, -520.0), 2: (0.32, -520.0, -330.0), 3: (0.52, -400.0, -80.0)}


@dataclass(frozen=True)
class Lesion:
    """A lesion in the lungs or beside them.

    Attributes:
        kind: one of KINDS.
        grade: for ground glass 1 to 3; for an effusion, its height in millimeters above the lung's lowest
            point, at its middle; otherwise unused.
        where: a lobe's name for a consolidation (see `ct.LOBES`), "left" or "right" for an effusion or a shadow
            outside the lungs; unused for ground glass, which is on both sides.
    """

    kind: str
    grade: int = 0
    where: str = ""

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"Expected a lesion of the kinds {', '.join(KINDS)}. Received: {self.kind!r}.")
        if self.kind == "ground glass" and self.grade not in GROUND_GLASS:
            raise ValueError(f"Expected ground glass of grade 1 to 3. Received: {self.grade!r}.")
        if self.kind == "consolidation" and self.where not in LOBES:
            raise ValueError(f"Expected a lobe of {', '.join(LOBES)}. Received: {self.where!r}.")
        if self.kind in ("effusion", "outside") and self.where not in ("left", "right"):
            raise ValueError(f"Expected the side left or right. Received: {self.where!r}.")


def add(chest: Chest, lesion: Lesion, rng: np.random.Generator) -> tuple[Chest, np.ndarray]:
    """Add a lesion to a chest.

    Returns:
        The chest with it, and (z, y, x) float32: the density in g/cm3 that it added to each voxel.
    """
    fill = {"consolidation": _consolidation, "ground glass": _ground_glass, "effusion": _effusion, "outside": _outside}
    share, target = fill[lesion.kind](chest, lesion, rng)
    hu = np.where(chest.hu < target, chest.hu + share * (target - chest.hu), chest.hu).astype(np.float32)
    return replace(chest, hu=hu), (hu - chest.hu) / 1000


def _ground_glass(chest: Chest, lesion: Lesion, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return share and target of patchy haze on both sides, thickest near the chest wall, low and to the back."""
    share_of_lungs, haze, core = GROUND_GLASS[lesion.grade]
    lungs = chest.lungs
    z, y, _ = np.indices(lungs.shape, sparse=True)
    where = np.argwhere(lungs)
    (z_low, y_low, _), (z_high, y_high, _) = where.min(0), where.max(0)
    low = 1 - (z - z_low) / (z_high - z_low)  # 1 at the bottom
    low = np.clip(1.6 * low, 0, 1.0) - 0.8 * np.clip(low - 0.72, 0, 1)  # the middle and lower zones, not the tips
    back = 1 - (y - y_low) / (y_high - y_low)
    patches = field(lungs.shape, chest.spacing, 34, rng)
    place = 0.75 * patches + 1.9 * np.exp(-wall_distance(chest) / 22) + 1.3 * low + 0.35 * back
    share = np.zeros(lungs.shape, np.float32)
    for side in (LEFT_LOBES, RIGHT_LOBES):
        lung = np.isin(chest.labels, side)
        level = np.quantile(place[lung][::17], 1 - share_of_lungs)
        share[lung] = 1 / (1 + np.exp(-(place[lung] - level) / 0.22))
    share[share < 0.02] = 0
    texture = field(lungs.shape, chest.spacing, 7, rng)
    target = haze + (core - haze) * np.clip((share - 0.75) * 4 * (0.6 + 0.4 * patches), 0, 1) + 60 * texture
    return share * np.clip(0.85 + 0.25 * texture, 0.2, 1), np.minimum(target, SOLID)


def _consolidation(chest: Chest, lesion: Lesion, rng: np.random.Generator) -> tuple[np.ndarray, float]:
    """Return share and target of a fluid-filled lobe: sharp at the fissures, slightly aerated inside."""
    lobe = np.isin(chest.labels, LOBES[lesion.where]).astype(np.float32)
    lobe = ndimage.gaussian_filter(lobe, [3.0 / size for size in chest.spacing]) * chest.lungs
    lobe = np.clip((lobe - 0.2) / 0.4, 0, 1)  # smooths the steps of a horizontal fissure
    airy = field(lobe.shape, chest.spacing, 9, rng)
    coarse = field(lobe.shape, chest.spacing, 40, rng)
    share = lobe * np.clip(0.55 + 0.12 * airy + 0.08 * coarse, 0.1, 0.95)
    return share.astype(np.float32), SOLID


def _effusion(chest: Chest, lesion: Lesion, rng: np.random.Generator) -> tuple[np.ndarray, float]:
    """Return share and target of fluid around the base of one lung, upright: its level rises along the chest wall."""
    lung = np.isin(chest.labels, LEFT_LOBES if lesion.where == "left" else RIGHT_LOBES)
    height = np.arange(lung.shape[0])[:, None, None] * chest.spacing[0]
    floor = height[lung.any(axis=(1, 2))].min()
    rows = np.flatnonzero(lung.any(axis=(0, 2)))
    back = 1 - np.clip((np.arange(lung.shape[1]) - rows.min()) / max(1, np.ptp(rows)), 0, 1)  # 1 at the back
    top = floor + lesion.grade + 30 * back[None, :, None] + 50 * np.exp(-wall_distance(chest) / 11)  # mm
    share = np.clip((top - height) / 8 + 0.5, 0, 1) * lung
    return share.astype(np.float32), FLUID


def _outside(chest: Chest, lesion: Lesion, rng: np.random.Generator) -> tuple[np.ndarray, float]:
    """Return share and target of a calcified mass of 3 cm in the armpit."""
    _, sy, sx = chest.spacing
    where = np.argwhere(chest.lungs)
    (z_low, y_low, _), (z_high, y_high, _) = where.min(0), where.max(0)
    z = round(z_low + 0.70 * (z_high - z_low))
    columns = np.flatnonzero(chest.lungs[z].any(axis=0))
    x = columns.max() + 30 / sx if lesion.where == "left" else columns.min() - 30 / sx  # x runs to the patient's left
    y = (y_low + y_high) / 2 - 20 / sy
    grids = np.indices(chest.hu.shape, sparse=True)
    squares = [((grid - c) * s) ** 2 for grid, c, s in zip(grids, (z, y, x), chest.spacing, strict=True)]
    radius = 13 + 2.0 * field(chest.hu.shape, chest.spacing, 12, rng)  # mm, lobed
    share = np.clip((radius - np.sqrt(squares[0] + squares[1] + squares[2])) / 3 + 0.5, 0, 1)
    share *= ~grown(chest.lungs, round(8 / sx))
    return share.astype(np.float32), CALCIFIED


def field(
    shape: tuple[int, int, int], spacing: tuple[float, float, float], size: float, rng: np.random.Generator
) -> np.ndarray:
    """Return a smooth random field with bumps of about `size` mm, mean 0 and standard deviation 1. float32."""
    coarse = [max(4, int(np.ceil(n * s / (size / 2))) + 2) for n, s in zip(shape, spacing, strict=True)]
    bumps = ndimage.gaussian_filter(rng.standard_normal(coarse), 1.0, mode="wrap").astype(np.float32)
    bumps = (bumps - bumps.mean()) / bumps.std()
    bumps = ndimage.zoom(bumps, (shape[0] / coarse[0], 1, 1), order=1, grid_mode=True, mode="nearest")
    return np.stack([cv2.resize(plane, shape[:0:-1], interpolation=cv2.INTER_CUBIC) for plane in bumps])


def wall_distance(chest: Chest) -> np.ndarray:
    """Return (z, y, x) float32: millimeters to the chest wall within a slice; 0 outside the hull of both lungs."""
    distance = np.zeros(chest.hu.shape, np.float32)
    for plane, result in zip(chest.lungs, distance, strict=True):
        points = cv2.findNonZero(plane.astype(np.uint8))
        if points is None:
            continue
        hull = np.zeros(plane.shape, np.uint8)
        cv2.fillConvexPoly(hull, cv2.convexHull(points), 1)
        result[:] = cv2.distanceTransform(hull, cv2.DIST_L2, 5) * chest.spacing[2]
    return distance


def grown(region: np.ndarray, voxels: int) -> np.ndarray:
    """Dilate `region`, (z, y, x) bool, by `voxels` within each slice."""
    disk = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * voxels + 1, 2 * voxels + 1))
    return np.stack([cv2.dilate(plane.astype(np.uint8), disk) > 0 for plane in region])
