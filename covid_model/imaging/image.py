"""Define a decoded chest X-ray (a film, in code): why files are refused, limits, 8-bit gray tones, thumbnails."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

import cv2
import numpy as np

from covid_model import config

MAX_ASPECT = 4.0  # longer side over shorter


class Refusal(StrEnum):
    """Why a file is refused."""

    UNREADABLE = "unreadable"  # no such file, or it cannot be opened
    EXTENSION = "extension"  # the extension of an upload's name
    OTHER_TYPE = "other type"  # not a PNG, JPEG, TIFF or DICOM file
    EMPTY = "empty"
    DAMAGED = "damaged"  # cut short, or a variant that the decoder does not support
    TOO_MANY_BYTES = "too many bytes"
    TOO_COMPLEX = "too complex"  # would take a decoder too much memory or time
    TOO_SMALL = "too small"
    TOO_LARGE = "too large"
    TOO_LONG = "too long"  # one side against the other
    SEVERAL = "several images"
    NOT_FINITE = "not finite"
    ONE_TONE = "one tone"
    NO_IMAGE = "no image"  # the following are of DICOM files
    NO_SYNTAX = "no transfer syntax"
    NO_DECODER = "no decoder"
    NO_SIZE = "no size"
    NOT_GRAY = "not gray"
    BITS = "bits per pixel"
    MISMATCH = "mismatch"  # between the tags and the pixel data


class FilmError(ValueError):
    """A file that cannot be read as a chest X-ray. The message tells the user what is wrong and what to do.

    Args:
        message: for the user.
        code: for programs.
    """

    def __init__(self, message: str, code: Refusal = Refusal.UNREADABLE):
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class Film:
    """A decoded and checked chest X-ray.

    Attributes:
        pixels: (height, width) uint8, upright, bright where tissue is dense, read-only.
        warnings: sentences for the user, on why the score may be unreliable.
        kind: "PNG", "JPEG", "TIFF" or "DICOM".
        in_color: whether the file contains a color image, which no chest X-ray is.
    """

    pixels: np.ndarray
    warnings: tuple[str, ...]
    kind: str
    in_color: bool = False


def check_bytes(size: int) -> None:
    """Raise FilmError if a file of `size` bytes is empty or exceeds config.MAX_BYTES."""
    if size == 0:
        raise FilmError("The file is empty. Expected a PNG, JPEG, TIFF or DICOM file.", Refusal.EMPTY)
    if size > config.MAX_BYTES:
        size_mb, limit = size / 2**20, config.MAX_BYTES / 2**20
        raise FilmError(
            f"The file is {size_mb:.1f} MB; the limit is {limit:.0f} MB. Scale the X-ray down or save it as JPEG.",
            Refusal.TOO_MANY_BYTES,
        )


def check_size(width: int, height: int) -> None:
    """Raise FilmError if an image of `width` x `height` pixels is too small, too large or too elongated.

    Called with the size in a file's header, before anything is decoded.
    """
    size, side = f"The image is {width:,} × {height:,} pixels", config.MIN_SIDE
    if min(width, height) < side:
        raise FilmError(
            f"{size}; at least {side} × {side} are needed. Use a larger copy of the X-ray.", Refusal.TOO_SMALL
        )
    if width * height > config.MAX_PIXELS:
        limit = config.MAX_PIXELS // 1_000_000
        raise FilmError(f"{size}; the limit is {limit} million pixels. Scale the X-ray down.", Refusal.TOO_LARGE)
    if max(width, height) > MAX_ASPECT * min(width, height):
        raise FilmError(
            f"{size}; the longer side may be at most {MAX_ASPECT:g} times the shorter. Crop the X-ray to the chest.",
            Refusal.TOO_LONG,
        )


# --- File names on screen ---

UNNAMED = "unnamed file"
KEPT_END = 12  # last characters of a long name that are kept, including the extension


def show_name(name: str, limit: int = 60) -> str:
    """Return `name` as one line of at most `limit` characters, without control, invisible or direction characters.

    The result is plain text: the caller escapes it for HTML or Markdown. A long name loses its middle, so that its
    extension stays.

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


# --- Thumbnails ---

CARD_SIDE = 320  # pixels: the side of a gallery card


def fit_square(picture: np.ndarray, side: int | None = None) -> np.ndarray:
    """Center an image, (H, W) or (H, W, 3) uint8, in a black square of `side` pixels, CARD_SIDE by default."""
    side = CARD_SIDE if side is None else side
    scale = side / max(picture.shape[:2])
    height, width = (max(1, round(length * scale)) for length in picture.shape[:2])
    interpolation = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    square = np.zeros((side, side, *picture.shape[2:]), np.uint8)
    top, left = (side - height) // 2, (side - width) // 2
    square[top : top + height, left : left + width] = cv2.resize(picture, (width, height), interpolation=interpolation)
    return square


def encode_jpeg(picture: np.ndarray, quality: int = 85) -> bytes:
    """Encode an image, (h, w) gray or (h, w, 3) red, green, blue uint8, as a JPEG of this quality, 0 to 100."""
    bgr = cv2.cvtColor(picture, cv2.COLOR_RGB2BGR) if picture.ndim == 3 else picture
    return cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()


def shrink(pixels: np.ndarray, side: int) -> np.ndarray:
    """Scale `pixels` (h, w) down to a longer side of `side`; return them unchanged if they are not larger."""
    scale = side / max(pixels.shape)
    if scale >= 1:
        return pixels
    size = (max(1, round(pixels.shape[1] * scale)), max(1, round(pixels.shape[0] * scale)))
    return cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)


MIN_TONES = 8  # gray levels that a film must span; an image that spans fewer is constant
COLOR_LEVELS = 16  # a pixel is colored if its channels differ by more than this
INVERTED_BELOW = -0.3  # correlation with the usual layout of a film, below which its tones count as inverted
ROWS = 256  # rows processed at a time, so that no large copy of a large film is made

# The usual brightness of a film's parts: its left half in 8 x 4 fields; the right half is its mirror image. Means over
# the train and extra splits (each film scaled to mean 0 and deviation 1, equal weight per source), to one decimal.
LEFT_HALF = (
    (-2.0, -1.6, -1.0, 0.2),
    (-0.7, -0.1, -0.5, 0.1),
    (-0.3, 0.0, -1.0, 0.1),
    (-0.4, -0.1, -0.9, 0.6),
    (-0.6, -0.2, -0.3, 1.1),
    (-0.9, 0.0, 0.4, 1.5),
    (-1.1, 0.6, 1.3, 1.8),
    (-1.1, 1.1, 1.8, 2.1),
)
INVERTED = "The tones look inverted (bright lungs); the network was trained on X-rays with dark lungs."


def blocks(height: int) -> Iterator[slice]:
    """Yield slices of at most ROWS rows that together cover `height` rows."""
    return (slice(top, min(top + ROWS, height)) for top in range(0, height, ROWS))


def stretch(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """Scale `values` of any type and shape to uint8: `low` and below to 0, `high` and above to 255, linear between."""
    scaled = (values.astype(np.float64) - low) * (config.GRAY_LEVELS / (high - low))
    return np.clip(np.rint(scaled), 0, config.GRAY_LEVELS).astype(np.uint8)


def check_range(low: float, high: float, whole_numbers: bool) -> None:
    """Raise FilmError if an image's values, from `low` to `high`, are not finite or all (nearly) the same."""
    if not (np.isfinite(low) and np.isfinite(high)):
        raise FilmError(
            "The image contains values that are not numbers (NaN or infinity). Export the X-ray with finite values.",
            Refusal.NOT_FINITE,
        )
    if high - low < (MIN_TONES if whole_numbers else np.finfo(np.float32).tiny):
        raise FilmError(
            "The image is all one tone; an X-ray has light and dark parts. Check that the export worked.",
            Refusal.ONE_TONE,
        )


def gray_of_color(rgb: np.ndarray) -> tuple[np.ndarray, int]:
    """Return the luminance (h, w) of `rgb` (h, w, 3), both uint8, and how many of its pixels are colored."""
    red, green, blue = rgb[..., 0], rgb[..., 1], rgb[..., 2]
    spread = np.maximum(np.maximum(red, green), blue) - np.minimum(np.minimum(red, green), blue)
    return cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), int(np.count_nonzero(spread > COLOR_LEVELS))


def looks_inverted(pixels: np.ndarray) -> bool:
    """Return whether `pixels` (height, width) uint8 look like the negative of a frontal chest X-ray.

    Correlates 8 x 8 field means with the usual layout. Measured on 11,512 frontal films of adults and children from
    six sources: it flags 1 of them (0.01 %; at most 0.03 % of any one source) and 99 % of their negatives.
    """
    left = np.array(LEFT_HALF)
    usual = np.hstack([left, left[:, ::-1]])
    fields = cv2.resize(pixels, (8, 8), interpolation=cv2.INTER_AREA).astype(np.float64)
    if fields.std() == 0:
        return False
    return bool(np.corrcoef(fields.ravel(), usual.ravel())[0, 1] < INVERTED_BELOW)
