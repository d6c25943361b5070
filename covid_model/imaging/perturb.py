"""What is done to a film before it is read again: any of six changes, always in the same order."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from covid_model import config
from covid_model.imaging import lung_mask

# --- A part of a film filled, so that nothing of what stood there is left: the lungs, say, or all but the lungs

FILLS = {
    "border grey": "the median grey of the film's own outermost pixels",
    "noise": "random grey of the mean and spread of the film outside the lungs",
    "blur": "the film itself, blurred until nothing of the lungs can be made out",
}
FRAME = 0.02  # of the longer side: how far the border goes in
BLUR = 0.08  # of the longer side: the standard deviation of the blur


def fill(pixels: np.ndarray, where: np.ndarray, how: str, lungs: np.ndarray, seed: int = 0) -> np.ndarray:
    """`pixels` (height, width) uint8 with the part `where` (bool, alike) filled; a new array.

    Args:
        how: one of FILLS.
        lungs: bool, alike: what noise must not be measured on.
    """
    out, longer = pixels.copy(), max(pixels.shape)
    if how == "border grey":
        out[where] = border_grey(pixels)
    elif how == "noise":
        outside = pixels[~lungs] if (~lungs).any() else pixels
        grain = np.random.default_rng(seed).normal(outside.mean(), outside.std(), int(where.sum()))
        out[where] = grain.round().clip(0, config.GREY_LEVELS).astype(np.uint8)
    elif how == "blur":
        out[where] = cv2.GaussianBlur(pixels, (0, 0), BLUR * longer)[where]
    else:
        raise ValueError(f"Fills are {', '.join(FILLS)}. Received: {how!r}.")
    return out


def border_grey(pixels: np.ndarray) -> int:
    """The median grey, 0 to 255, of a film's outermost pixels."""
    return round(float(np.median(pixels[frame(pixels.shape)])))


def frame(shape: tuple[int, int]) -> np.ndarray:
    """The outermost pixels of a film of (height, width): bool."""
    wide = max(1, round(FRAME * max(shape)))
    edge = np.ones(shape, bool)
    edge[wide:-wide, wide:-wide] = False
    return edge


def box(lungs: np.ndarray) -> np.ndarray:
    """The smallest upright rectangle around the True pixels: bool, alike."""
    out = np.zeros_like(lungs)
    rows, columns = np.flatnonzero(lungs.any(axis=1)), np.flatnonzero(lungs.any(axis=0))
    if rows.size:
        out[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] = True
    return out


def rectangle(shape: tuple[int, int], left: float, top: float, right: float, bottom: float) -> np.ndarray:
    """The part of a film of (height, width) between four edges, given as fractions of width and height: bool."""
    height, width = shape
    out = np.zeros(shape, bool)
    out[round(top * height) : round(bottom * height), round(left * width) : round(right * width)] = True
    return out


# --- A letter in a corner, such as radiographers lay on a film: which side is which, or how the patient lay

TEXTS = ("L", "R", "AP SUPINE", "PORTABLE")  # what stands on films; the last two are of bedside films, adults' mostly
CORNERS = ("top left", "top right", "bottom left", "bottom right")
TALL = 0.09  # of the film's shorter side: height of a letter
MARGIN = 0.03  # of the shorter side: between the letters and the edges
WIDEST = 0.5  # of the film's width: longer words are written smaller
LEAD = 0.97  # share of white that is laid over the film's own grey
FONT, FONT_TALL = cv2.FONT_HERSHEY_SIMPLEX, 22  # and the height in pixels of its capitals at scale 1
THICK = 7  # a stroke's thickness is one letter's height over this


def mark(pixels: np.ndarray, text: str, corner: str) -> np.ndarray:
    """`pixels` (height, width) uint8 with `text` in white in a corner; a new array.

    Args:
        text: one of TEXTS.
        corner: one of CORNERS.

    Raises:
        ValueError: for other words or corners.
    """
    if text not in TEXTS:
        raise ValueError(f"Markers are {', '.join(TEXTS)}. Received: {text!r}.")
    if corner not in CORNERS:
        raise ValueError(f"Corners are {', '.join(CORNERS)}. Received: {corner!r}.")
    height, width = pixels.shape
    short = min(height, width)
    scale, thick = _size(text, TALL * short)
    (wide, tall), _ = cv2.getTextSize(text, FONT, scale, thick)
    if wide > WIDEST * width:
        scale, thick = _size(text, TALL * short * WIDEST * width / wide)
        (wide, tall), _ = cv2.getTextSize(text, FONT, scale, thick)
    margin = round(MARGIN * short)
    x = margin if "left" in corner else width - margin - wide
    y = margin + tall if "top" in corner else height - margin
    drawn = np.zeros(pixels.shape, np.uint8)
    cv2.putText(drawn, text, (x, y), FONT, scale, config.GREY_LEVELS, thick, cv2.LINE_AA)
    share = LEAD / config.GREY_LEVELS * drawn.astype(np.float32)  # (height, width), 0 beside the letters
    return np.rint(pixels + share * (config.GREY_LEVELS - pixels.astype(np.float32))).astype(np.uint8)


def _size(text: str, tall: float) -> tuple[float, int]:
    """OpenCV's scale and thickness for capitals `tall` pixels high."""
    return tall / FONT_TALL, max(1, round(tall / THICK))


# --- The film in another frame: its border cut off, turned about its middle, or mirrored. Tones stay as they are

CROP_MOST = 0.4  # of width and height, on each side: a film's middle is left


def crop(pixels: np.ndarray, share: float) -> np.ndarray:
    """`pixels` (height, width) uint8 without a border of `share` (0 to CROP_MOST) of each side; at least one is left.

    Raises ValueError for another share.
    """
    if not 0 <= share <= CROP_MOST:
        raise ValueError(f"The border cut off is 0 to {CROP_MOST} of a side. Received: {share!r}.")
    height, width = pixels.shape
    top, left = round(share * height), round(share * width)
    return np.ascontiguousarray(pixels[top : height - top, left : width - left])


def turn(pixels: np.ndarray, degrees: float) -> np.ndarray:
    """`pixels` (height, width) uint8 turned about the middle, anticlockwise for `degrees` above 0.

    By a multiple of 90 degrees: all pixels are kept, and height and width change places where they must. By any other
    angle: the frame stays, what leaves it is lost, and what was never there has the grey of the film's border.
    """
    quarters, rest = divmod(degrees, 90)
    if not rest:
        return np.ascontiguousarray(np.rot90(pixels, int(quarters) % 4))
    height, width = pixels.shape
    middle = ((width - 1) / 2, (height - 1) / 2)  # of the pixels' centres
    matrix = cv2.getRotationMatrix2D(middle, degrees, 1)
    outside = border_grey(pixels)
    return cv2.warpAffine(pixels, matrix, (width, height), borderMode=cv2.BORDER_CONSTANT, borderValue=outside)


def mirror(pixels: np.ndarray) -> np.ndarray:
    """`pixels` (height, width) with left and right exchanged."""
    return np.ascontiguousarray(pixels[:, ::-1])


KINDS = ("erase", "crop", "mirror", "turn", "marker", "invert")  # in the order in which they are done
WHERE = ("lungs", "box")


@dataclass(frozen=True)
class Changes:
    """Changes of a film; as it stands, none. `apply` does them in the order of KINDS.

    Attributes:
        erase: "lungs" (as `lungs.find` draws them) or "box"; None for nothing.
        fill: one of FILLS, for what is erased.
        box: left, top, right, bottom of the box, as fractions of width and height.
        crop: share of width and height cut off each side, 0 to frame.CROP_MOST.
        marker: one of marker.TEXTS, or None.
        corner: one of marker.CORNERS, for the marker: where it is seen, however the film is mirrored and turned.
        invert: whether dark and bright change places, the marker's too.
        mirror: whether left and right do.
        turn: degrees, anticlockwise.
    """

    erase: str | None = None
    fill: str = next(iter(FILLS))
    box: tuple[float, float, float, float] = (0.05, 0.1, 0.95, 0.9)
    crop: float = 0.0
    marker: str | None = None
    corner: str = CORNERS[0]
    invert: bool = False
    mirror: bool = False
    turn: float = 0.0

    def __post_init__(self):
        left, top, right, bottom = self.box
        if not (0 <= left < right <= 1 and 0 <= top < bottom <= 1):
            raise ValueError(f"A box is left < right and top < bottom in [0, 1]. Received: {self.box}.")
        if self.erase not in (None, *WHERE):
            raise ValueError(f"What is erased is {' or '.join(WHERE)}. Received: {self.erase!r}.")

    def __bool__(self) -> bool:
        """Whether there is anything to do."""
        return bool(self.erase or self.crop or self.marker or self.invert or self.mirror or self.turn)


def apply(pixels: np.ndarray, changes: Changes) -> np.ndarray:
    """The changed film: `pixels` (height, width) uint8 to (height', width') uint8, a new array.

    Raises:
        lungs.NoLungs: the lungs are to be erased, and none were found.
    """
    out = pixels.copy()
    if changes.erase == "lungs":
        inside = lung_mask.find(pixels)
        out = fill(out, inside, changes.fill, inside)
    elif changes.erase == "box":
        inside = rectangle(pixels.shape, *changes.box)
        out = fill(out, inside, changes.fill, inside)
    if changes.crop:
        out = crop(out, changes.crop)
    if changes.mirror:
        out = mirror(out)
    if changes.turn:
        out = turn(out, changes.turn)
    if changes.marker:  # on the film as it is seen, so that the letter can be read
        out = mark(out, changes.marker, changes.corner)
    if changes.invert:
        out = config.GREY_LEVELS - out
    return out


ERASURES = {
    "erased": "the lungs are filled",
    "erased in a box": "the smallest upright rectangle around the lungs is filled, so that their outline goes too",
    "only": "everything but the lungs is filled",
}


def erased_region(variant: str, lungs: np.ndarray) -> np.ndarray:
    """What one of VARIANTS fills of a film with these lungs: bool, alike. Raises ValueError for another name."""
    if variant == "erased":
        return lungs
    if variant == "erased in a box":
        return box(lungs)
    if variant == "only":
        return ~lungs
    raise ValueError(f"Variants are {', '.join(ERASURES)}. Received: {variant!r}.")


# --- A film changed before it is read: what would the score be if ...? Pure functions over pixels, one concept a file
# `Changes` says what to do, `apply` does it. Pixels are (height, width) uint8 throughout; nothing given is written to.

__all__ = ["CORNERS", "CROP_MOST", "FILLS", "KINDS", "TEXTS", "Changes", "apply"]
