"""A film changed before it is read: what would the score be if ...? Pure functions over pixels, one concept a file.

`Changes` says what to do, `apply` does it. Pixels are (height, width) uint8 throughout; nothing given is written to.
"""

from __future__ import annotations

from covid_model.what_if.changes import KINDS, Changes, apply
from covid_model.what_if.erase import FILLS
from covid_model.what_if.frame import CROP_MOST
from covid_model.what_if.lungs import NoLungs
from covid_model.what_if.marker import CORNERS, TEXTS

__all__ = ["CORNERS", "CROP_MOST", "FILLS", "KINDS", "TEXTS", "Changes", "NoLungs", "apply"]
