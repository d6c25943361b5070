"""Project voxels along a cone of rays from a point source to a flat detector.

The detector is parallel to the body's coronal planes, so that the cone maps every plane onto it by a scaling and a
shift; a film is the sum of a few hundred scaled planes. A source above or below the middle gives a tilted view.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from covid_model.tools.simulate.ct import SOFT_LIMIT, Chest

STEP = 2  # planes of voxels per step


@dataclass(frozen=True)
class Geometry:
    """Positions of source, body and detector.

    Attributes:
        view: "PA" (the detector at the front of the chest) or "AP" (at its back).
        distance: from source to detector, in mm (about 1800 for PA, 1000 to 1100 for AP at the bedside).
        gap: from the detector to the body's surface, in mm.
        aim: height of the source above the middle of the lungs, in mm (negative: below).
        pixel: millimeters per pixel on the detector.
        margins: left, top, right, bottom: distance from the lungs to the edges, in mm on the detector.
    """

    view: str = "PA"
    distance: float = 1800.0
    gap: float = 25.0
    aim: float = 0.0
    pixel: float = 0.5
    margins: tuple[float, float, float, float] = (32.0, 15.0, 32.0, 8.0)

    def __post_init__(self) -> None:
        if self.view not in ("PA", "AP"):
            raise ValueError(f"A view is PA or AP. Received: {self.view!r}.")


@dataclass(frozen=True)
class Paths:
    """Tissue along each ray, (height, width) float32 each, in display orientation: the patient's left on the right.

    Attributes:
        soft: centimeters of water equivalent to the soft tissue.
        bone: the same for bone mineral, at 70 keV.
        lung: centimeters of lung.
        lesion: centimeters of water added by the lesion.
        pixel: millimeters per pixel.
    """

    soft: np.ndarray
    bone: np.ndarray
    lung: np.ndarray
    lesion: np.ndarray
    pixel: float


def project(chest: Chest, lesion: np.ndarray, geometry: Geometry) -> Paths:
    """Sum tissue along the rays of a cone.

    Args:
        chest: the chest, lesion included.
        lesion: (z, y, x) float32, the density in g/cm3 that the lesion added.
        geometry: source, body, detector.
    """
    sz, sy, sx = chest.spacing
    occupied = np.flatnonzero((chest.hu > -500).any(axis=(0, 2)))
    back, front = occupied.min() * sy, occupied.max() * sy  # mm
    detector = front + geometry.gap if geometry.view == "PA" else back - geometry.gap
    source = detector - geometry.distance if geometry.view == "PA" else detector + geometry.distance

    lungs = chest.lungs
    (z_low, z_high), (y_low, y_high), (x_low, x_high) = (
        np.flatnonzero(lungs.any(axis=axes))[[0, -1]] for axes in ((1, 2), (0, 2), (0, 1))
    )
    z_low, z_high, x_low, x_high = z_low * sz, z_high * sz, x_low * sx, x_high * sx
    x_source, z_source = (x_low + x_high) / 2, (z_low + z_high) / 2 + geometry.aim
    middle = geometry.distance / abs((y_low + y_high) / 2 * sy - source)  # magnification at the middle of the lungs
    left, top, right, bottom = geometry.margins
    x_first = x_source + (x_low - x_source) * middle - left  # mm on the detector, of the left column
    z_first = z_source + (z_high - z_source) * middle + top  # of the top row
    width = round(((x_high - x_low) * middle + left + right) / geometry.pixel)
    height = round(((z_high - z_low) * middle + top + bottom) / geometry.pixel)

    total = np.zeros((height, width, 4), np.float32)
    first, last = int(occupied.min()), int(occupied.max()) + 1
    for y in range(first, last, STEP):
        thick = slice(y, min(y + STEP, last))
        layers = (*tissues(chest.hu[:, thick]), lungs[:, thick], lesion[:, thick])
        plane = np.stack([layer.sum(axis=1, dtype=np.float32) for layer in layers], axis=-1) * np.float32(sy / 10)
        middle_y = (thick.start + thick.stop - 1) / 2 * sy
        scale = abs(middle_y - source) / geometry.distance  # millimeters here per millimeter on the detector
        matrix = np.array(
            [
                [geometry.pixel * scale / sx, 0, (x_source + (x_first - x_source) * scale) / sx],
                [0, -geometry.pixel * scale / sz, (z_source + (z_first - z_source) * scale) / sz],
            ]
        )
        total += cv2.warpAffine(
            plane,  # (z, x, 4), centimeters
            matrix,
            (width, height),
            flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE,  # continues the top and bottom slices: no edge of the CT is visible
        )
    columns = x_first + geometry.pixel * np.arange(width)[None, :] - x_source
    rows = z_first - geometry.pixel * np.arange(height)[:, None] - z_source
    total *= np.sqrt(1 + (columns**2 + rows**2) / geometry.distance**2)[..., None]  # oblique rays have longer paths
    total = np.maximum(total, 0)
    return Paths(*(np.ascontiguousarray(total[..., i]) for i in range(4)), geometry.pixel)


def tissues(hu: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Split Hounsfield units into the density of soft tissue and that of bone mineral, both as water at 70 keV."""
    soft = np.clip(1 + np.minimum(hu, SOFT_LIMIT) / 1000, 0, None)
    return soft.astype(np.float32), (np.maximum(hu - SOFT_LIMIT, 0) / 1000).astype(np.float32)
