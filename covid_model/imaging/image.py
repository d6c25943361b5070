"""One decoded chest film, what it must fulfil, and its file's name as it may be shown."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

import numpy as np

from covid_model import config

MAX_ASPECT = 4.0  # longer side over shorter


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
    if min(width, height) < config.MIN_SIDE:
        raise FilmError(f"A film needs at least {config.MIN_SIDE} × {config.MIN_SIDE} pixels; {came}")
    if width * height > config.MAX_PIXELS:
        raise FilmError(f"A film may have at most {config.MAX_PIXELS // 1_000_000} million pixels; {came}")
    if max(width, height) > MAX_ASPECT * min(width, height):
        raise FilmError(f"A film's longer side may be at most {MAX_ASPECT:g} times the shorter; {came}")


# --- File names as they may be shown ---

UNNAMED = "unnamed file"
KEPT_END = 12  # characters of the end of a long name that stay, the extension among them


def show_name(name: str, limit: int = 60) -> str:
    """`name` as one line of at most `limit` characters, without control, invisible or text-direction characters.

    It is plain text: whoever puts it into HTML or Markdown escapes it there. A long name loses its middle,
    so that its extension stays.

    Raises:
        ValueError: for a limit below 1.
    """
    if limit < 1:
        raise ValueError(f"limit must be at least 1. Received: {limit}")
    spaced = "".join(" " if letter.isspace() else letter for letter in unicodedata.normalize("NFC", name))
    # Category C: control, format (bidirectional marks, zero-width letters), surrogate, private, unassigned.
    plain = "".join(letter for letter in spaced if not unicodedata.category(letter).startswith("C"))
    plain = " ".join(plain.split()) or UNNAMED
    if len(plain) <= limit:
        return plain
    end = plain[-KEPT_END:] if limit > 2 * KEPT_END else ""
    return plain[: limit - 1 - len(end)] + "…" + end
