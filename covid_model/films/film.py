"""What a film is once it has been read, and what it must fulfil."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from covid_model import settings


class FilmError(ValueError):
    """A file that is no readable film. Its message is one plain sentence for the person at the screen."""


@dataclass(frozen=True)
class Film:
    """A checked film: `pixels` (height, width) uint8, upright, bright where tissue is dense, not to be written to."""

    pixels: np.ndarray
    warnings: tuple[str, ...]  # plain sentences: what to bear in mind about the score
    kind: str  # "PNG", "JPEG", "TIFF" or "DICOM"
    in_colour: bool = False  # whether the file holds a colour picture, which no chest X-ray is


def check_size(width: int, height: int) -> None:
    """Refuse a picture of `width` x `height` pixels that is too small, too large or too oblong (FilmError).

    Called with what a file's header says, before anything is decoded.
    """
    came = f"this one has {width:,} × {height:,}."
    if min(width, height) < settings.MIN_SIDE:
        raise FilmError(f"A film needs at least {settings.MIN_SIDE} × {settings.MIN_SIDE} pixels; {came}")
    if width * height > settings.MAX_PIXELS:
        raise FilmError(f"A film may have at most {settings.MAX_PIXELS // 1_000_000} million pixels; {came}")
    if max(width, height) > settings.MAX_ASPECT * min(width, height):
        raise FilmError(f"A film's longer side may be at most {settings.MAX_ASPECT:g} times the shorter; {came}")
