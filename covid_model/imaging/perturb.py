"""Perturb a film: what would the score be if the film were different?

Pure functions over pixels, (height, width) uint8 throughout; their input is never modified. `Changes` describes any of
seven changes, `apply` makes them, always in the same order.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from covid_model import config
from covid_model.imaging import lung_mask

# --- Fill a part of a film, such as the lungs, or everything but the lungs

FILLS = {
    "border grey": "the median gray of the film's own outermost pixels",
    "noise": "random gray of the mean and spread of the film outside the lungs",
    "blur": "the film itself, blurred until nothing of the lungs can be made out",
}
FRAME = 0.02  # of the longer side: the width of the border
BLUR = 0.08  # of the longer side: the standard deviation of the blur


def fill(pixels: np.ndarray, region: np.ndarray, method: str, lungs: np.ndarray, seed: int = 0) -> np.ndarray:
    """Fill a region of a film.

    Args:
        pixels: (height, width) uint8.
        region: (height, width) bool, True where the film is filled.
        method: one of FILLS.
        lungs: (height, width) bool; noise takes its mean and spread from outside them.
        seed: of the noise.

    Returns:
        A new array (height, width) uint8.

    Raises:
        ValueError: any other method.
    """
    out, longer = pixels.copy(), max(pixels.shape)
    if method == "border grey":
        out[region] = border_gray(pixels)
    elif method == "noise":
        outside = pixels[~lungs] if (~lungs).any() else pixels
        grain = np.random.default_rng(seed).normal(outside.mean(), outside.std(), int(region.sum()))
        out[region] = grain.round().clip(0, config.GRAY_LEVELS).astype(np.uint8)
    elif method == "blur":
        out[region] = cv2.GaussianBlur(pixels, (0, 0), BLUR * longer)[region]
    else:
        raise ValueError(f"method must be one of {', '.join(FILLS)}. Received: {method!r}")
    return out


def border_gray(pixels: np.ndarray) -> int:
    """Return the median gray, 0 to 255, of a film's outermost pixels."""
    return round(float(np.median(pixels[frame(pixels.shape)])))


def frame(shape: tuple[int, int]) -> np.ndarray:
    """Return a mask of the outermost pixels of a film of shape (height, width): bool."""
    wide = max(1, round(FRAME * max(shape)))
    edge = np.ones(shape, bool)
    edge[wide:-wide, wide:-wide] = False
    return edge


def box(lungs: np.ndarray) -> np.ndarray:
    """Return the bounding box of the True pixels of a mask, as a mask of the same shape."""
    out = np.zeros_like(lungs)
    rows, columns = np.flatnonzero(lungs.any(axis=1)), np.flatnonzero(lungs.any(axis=0))
    if rows.size:
        out[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] = True
    return out


def rectangle(shape: tuple[int, int], left: float, top: float, right: float, bottom: float) -> np.ndarray:
    """Return a mask of shape (height, width), True between four edges given as fractions of width and height."""
    height, width = shape
    out = np.zeros(shape, bool)
    out[round(top * height) : round(bottom * height), round(left * width) : round(right * width)] = True
    return out


# --- Draw on the film: a marker, such as radiographers use for the side or the position, or a reader's arrow

TEXTS = ("L", "R", "AP SUPINE", "PORTABLE")  # as on real films; the last two are on bedside films, mostly of adults
TALL = 0.09  # of the film's shorter side: height of a letter
MARGIN = 0.03  # of the shorter side: least distance of the letters from the edges
WIDEST = 0.5  # of the film's width: longer text is written smaller
LEAD = 0.97  # opacity of the white letters and of the arrow
FONT, FONT_TALL = cv2.FONT_HERSHEY_SIMPLEX, 22  # and the height in pixels of its capitals at scale 1
THICK = 7  # letter height over stroke thickness
ARROW = 0.16  # of the shorter side: length of an arrow
SHAFT = 0.012  # of the shorter side: thickness of its lines
POINT = 0.35  # of the arrow's length: its head


def mark(pixels: np.ndarray, text: str, at: tuple[float, float]) -> np.ndarray:
    """Write `text` in white on `pixels` (height, width) uint8; return a new array.

    Args:
        text: one of TEXTS.
        at: where its center is, as fractions of width and height; letters that would leave the film are moved inside.

    Raises:
        ValueError: any other text.
    """
    if text not in TEXTS:
        raise ValueError(f"text must be one of {', '.join(TEXTS)}. Received: {text!r}")
    height, width = pixels.shape
    short = min(height, width)
    scale, thick = _size(text, TALL * short)
    (wide, tall), _ = cv2.getTextSize(text, FONT, scale, thick)
    if wide > WIDEST * width:
        scale, thick = _size(text, TALL * short * WIDEST * width / wide)
        (wide, tall), _ = cv2.getTextSize(text, FONT, scale, thick)
    margin = round(MARGIN * short)
    x = min(max(round(at[0] * width - wide / 2), margin), width - margin - wide)
    y = min(max(round(at[1] * height + tall / 2), margin + tall), height - margin)
    drawn = np.zeros(pixels.shape, np.uint8)
    cv2.putText(drawn, text, (x, y), FONT, scale, config.GRAY_LEVELS, thick, cv2.LINE_AA)
    return _in_white(pixels, drawn)


def arrow(pixels: np.ndarray, at: tuple[float, float]) -> np.ndarray:
    """Draw a white arrow on `pixels` (height, width) uint8; return a new array.

    It points at `at`, fractions of width and height, from above and from the nearer side.
    """
    height, width = pixels.shape
    short = min(height, width)
    tip = round(at[0] * (width - 1)), round(at[1] * (height - 1))
    step = round(ARROW * short / np.sqrt(2))
    tail = tip[0] + (-step if at[0] < 0.5 else step), tip[1] - step
    drawn = np.zeros(pixels.shape, np.uint8)
    thick = max(1, round(SHAFT * short))
    cv2.arrowedLine(drawn, tail, tip, config.GRAY_LEVELS, thick, cv2.LINE_AA, tipLength=POINT)
    return _in_white(pixels, drawn)


def _in_white(pixels: np.ndarray, drawn: np.ndarray) -> np.ndarray:
    """Return `pixels` with what is `drawn` (height, width) uint8, 0 beside its lines, in white."""
    share = LEAD / config.GRAY_LEVELS * drawn.astype(np.float32)
    return np.rint(pixels + share * (config.GRAY_LEVELS - pixels.astype(np.float32))).astype(np.uint8)


def _size(text: str, tall: float) -> tuple[float, int]:
    """Return OpenCV's scale and thickness for capitals `tall` pixels high."""
    return tall / FONT_TALL, max(1, round(tall / THICK))


# --- Crop, rotate or mirror the film; its tones stay unchanged

CROP_MOST = 0.4  # of width and height, on each side: the center is left


def crop(pixels: np.ndarray, share: float) -> np.ndarray:
    """Cut a border of `share` (0 to CROP_MOST) of width and height off each side of `pixels` (height, width) uint8.

    Raises ValueError for any other share.
    """
    if not 0 <= share <= CROP_MOST:
        raise ValueError(f"share must be in [0, {CROP_MOST}]. Received: {share!r}")
    height, width = pixels.shape
    top, left = round(share * height), round(share * width)
    return np.ascontiguousarray(pixels[top : height - top, left : width - left])


def turn(pixels: np.ndarray, degrees: float) -> np.ndarray:
    """Rotate `pixels` (height, width) uint8 about the center, counterclockwise for positive `degrees`.

    Multiples of 90 degrees keep all pixels and swap height and width if needed. Any other angle keeps the frame:
    corners that leave it are lost, and the parts that were outside the film get the gray of its border.
    """
    quarters, rest = divmod(degrees, 90)
    if not rest:
        return np.ascontiguousarray(np.rot90(pixels, int(quarters) % 4))
    height, width = pixels.shape
    middle = ((width - 1) / 2, (height - 1) / 2)  # of the pixels' centers
    matrix = cv2.getRotationMatrix2D(middle, degrees, 1)
    outside = border_gray(pixels)
    return cv2.warpAffine(pixels, matrix, (width, height), borderMode=cv2.BORDER_CONSTANT, borderValue=outside)


def mirror(pixels: np.ndarray) -> np.ndarray:
    """Swap left and right of `pixels` (height, width)."""
    return np.ascontiguousarray(pixels[:, ::-1])


KINDS = ("erase", "crop", "mirror", "turn", "marker", "arrow", "invert")  # in the order in which they are applied
REGIONS = ("lungs", "box")


@dataclass(frozen=True)
class Changes:
    """Changes of a film, by default none. `apply` makes them in the order of KINDS.

    Attributes:
        erase: "lungs" (the mask of `lung_mask.find`) or "box"; None for nothing.
        fill: one of FILLS, for the erased region.
        box: left, top, right, bottom of the box, as fractions of width and height.
        crop: share of width and height cut off each side, 0 to CROP_MOST.
        marker: one of TEXTS, or None.
        marker_at: the marker's center, as fractions of width and height of the film that is cropped, mirrored and
            rotated already.
        arrow: the point that an arrow points at, as fractions of the same film; None for no arrow.
        invert: whether dark and bright are swapped, the marker's too.
        mirror: whether left and right are swapped.
        turn: degrees, counterclockwise.
    """

    erase: str | None = None
    fill: str = next(iter(FILLS))
    box: tuple[float, float, float, float] = (0.05, 0.1, 0.95, 0.9)
    crop: float = 0.0
    marker: str | None = None
    marker_at: tuple[float, float] = (1.0, 0.0)
    arrow: tuple[float, float] | None = None
    invert: bool = False
    mirror: bool = False
    turn: float = 0.0

    def __post_init__(self):
        left, top, right, bottom = self.box
        if not (0 <= left < right <= 1 and 0 <= top < bottom <= 1):
            raise ValueError(f"box must be left < right and top < bottom in [0, 1]. Received: {self.box}")
        for name, point in (("marker_at", self.marker_at), ("arrow", self.arrow)):
            if point is not None and not all(0 <= part <= 1 for part in point):
                raise ValueError(f"{name} must be two numbers in [0, 1]. Received: {point}")
        if self.erase not in (None, *REGIONS):
            raise ValueError(f"erase must be {' or '.join(REGIONS)} or None. Received: {self.erase!r}")

    def __bool__(self) -> bool:
        """Return whether there is any change."""
        return self != replace(Changes(), fill=self.fill, box=self.box, marker_at=self.marker_at)


def apply(pixels: np.ndarray, changes: Changes) -> np.ndarray:
    """Return the changed film: `pixels` (height, width) uint8 to (height', width') uint8, a new array.

    Raises:
        NoLungs: the lungs are to be erased, but none were found.
    """
    out = pixels.copy()
    if changes.erase == "lungs":
        region = lung_mask.find(pixels)
        out = fill(out, region, changes.fill, region)
    elif changes.erase == "box":
        region = rectangle(pixels.shape, *changes.box)
        out = fill(out, region, changes.fill, region)
    if changes.crop:
        out = crop(out, changes.crop)
    if changes.mirror:
        out = mirror(out)
    if changes.turn:
        out = turn(out, changes.turn)
    if changes.marker:  # after mirroring and rotation, so that the text stays readable
        out = mark(out, changes.marker, changes.marker_at)
    if changes.arrow:
        out = arrow(out, changes.arrow)
    if changes.invert:
        out = config.GRAY_LEVELS - out
    return out


def share_cut(pixels: np.ndarray, changes: Changes, border: float) -> float:
    """Return the share of the pixels that were erased, or drawn on, in the border that preprocessing cuts off.

    Args:
        pixels: the film before the changes, (height, width) uint8.
        changes: of it.
        border: share of width and height that is cut off each side, in [0, 0.5).

    Returns:
        In [0, 1]; 0 if nothing is erased or drawn.
    """
    with_it = apply(pixels, replace(changes, invert=False))
    without = apply(pixels, replace(changes, invert=False, erase=None, marker=None, arrow=None))
    changed = with_it != without
    height, width = changed.shape
    top, left = round(height * border), round(width * border)
    seen = changed[top : height - top, left : width - left].sum()
    return float(1 - seen / max(1, changed.sum())) if changed.any() else 0.0


ERASURES = {
    "erased": "the lungs are filled",
    "erased in a box": "the smallest upright rectangle around the lungs is filled, so that their outline goes too",
    "only": "everything but the lungs is filled",
}


def erased_region(variant: str, lungs: np.ndarray) -> np.ndarray:
    """Return the region that a variant of ERASURES fills, given the lungs: a mask of the same shape.

    Raises ValueError for any other variant.
    """
    if variant == "erased":
        return lungs
    if variant == "erased in a box":
        return box(lungs)
    if variant == "only":
        return ~lungs
    raise ValueError(f"variant must be one of {', '.join(ERASURES)}. Received: {variant!r}")
