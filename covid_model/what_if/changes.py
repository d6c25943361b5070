"""What is done to a film before it is read again: any of six changes, always in the same order."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from covid_model import settings
from covid_model.what_if import frame, lungs
from covid_model.what_if.erase import FILLS, fill, rectangle
from covid_model.what_if.marker import CORNERS, mark

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
        inside = lungs.find(pixels)
        out = fill(out, inside, changes.fill, inside)
    elif changes.erase == "box":
        inside = rectangle(pixels.shape, *changes.box)
        out = fill(out, inside, changes.fill, inside)
    if changes.crop:
        out = frame.crop(out, changes.crop)
    if changes.mirror:
        out = frame.mirror(out)
    if changes.turn:
        out = frame.turn(out, changes.turn)
    if changes.marker:  # on the film as it is seen, so that the letter can be read
        out = mark(out, changes.marker, changes.corner)
    if changes.invert:
        out = settings.GREY_LEVELS - out
    return out
