"""Decode PNG, JPEG and TIFF to grayscale pixels with Pillow (and OpenCV for 16-bit color, which Pillow cuts to 8)."""

from __future__ import annotations

import io
import struct
from typing import NamedTuple

import cv2
import numpy as np
from PIL import Image

from covid_model import config
from covid_model.imaging import headers
from covid_model.imaging.image import FilmError, Refusal, blocks, check_range, check_size, gray_of_color, stretch

DEEP = ("I", "F")  # Pillow's modes of more than 8 bits, besides those that begin with "I;16"
WITH_ALPHA = ("LA", "La", "PA", "RGBA", "RGBa")
COLOR_SHARE = 0.01  # an image is in color if more than this share of its pixels is
PNG_END = b"\0\0\0\0IEND\xaeB`\x82"  # a PNG's last chunk with its checksum; Pillow does not require it
WHITE_IS_ZERO = 0  # TIFF's photometric interpretation; Pillow applies it up to 8 bits only
ALPHA = "The image has transparent parts, which were read as black."


class Gray(NamedTuple):
    """A decoded image: pixels (height, width) uint8, warnings for the user, whether the file was in color."""

    pixels: np.ndarray
    warnings: tuple[str, ...]
    in_color: bool = False


def png(data: bytes) -> Gray:
    """Decode a PNG. Raises FilmError, or whatever Pillow raises on damaged bytes."""
    if data[12:16] != b"IHDR" or PNG_END not in data:
        raise FilmError(headers.CUT_SHORT, Refusal.DAMAGED)
    width, height, depth = struct.unpack_from(">IIB", data, 16)
    check_size(width, height)
    with _open(data, "PNG") as image:
        if getattr(image, "is_animated", False):
            raise FilmError(headers.SEVERAL, Refusal.SEVERAL)
        image.verify()  # the checksums of all chunks; a verified image can no longer be loaded
    with _open(data, "PNG") as image:
        image.load()
        orientation = headers.orientation(image.info.get("exif", b""))
        pixels, alpha, warnings, in_color = _gray(image)
        shallow = not _is_deep(image)
    if depth == 16 and shallow:
        pixels = _deep_color(data, pixels, alpha)
    return Gray(apply_orientation(pixels, orientation), warnings, in_color)


def jpeg(data: bytes) -> Gray:
    """Decode a JPEG. Raises FilmError, or whatever Pillow raises on damaged bytes."""
    header = headers.jpeg(data)
    check_size(header.width, header.height)
    with _open(header.bare, "JPEG") as image:
        image.load()
        pixels, _, warnings, in_color = _gray(image)
    return Gray(apply_orientation(pixels, headers.orientation(header.exif)), warnings, in_color)


def tiff(data: bytes) -> Gray:
    """Decode a TIFF. Raises FilmError, or whatever Pillow raises on damaged bytes."""
    page = headers.tiff(data)
    check_size(page.values[headers.WIDTH], page.values[headers.HEIGHT])
    with _open(data, "TIFF") as image:
        image.load()  # Pillow turns it upright itself
        pixels, alpha, warnings, in_color = _gray(image)
        shallow = not _is_deep(image)
    if shallow and page.values.get(headers.BITS, 1) == 16:
        pixels = _deep_color(data, pixels, alpha, page.values.get(headers.ORIENTATION, 1))
    if not shallow and page.values.get(headers.PHOTOMETRIC) == WHITE_IS_ZERO:
        pixels = config.GRAY_LEVELS - pixels
    return Gray(pixels, warnings, in_color)


def apply_orientation(pixels: np.ndarray, orientation: int) -> np.ndarray:
    """Turn `pixels` (height, width) upright by an Exif `orientation` of 1 to 8; any other leaves them unchanged."""
    upright = {
        2: lambda p: p[:, ::-1],
        3: lambda p: p[::-1, ::-1],
        4: lambda p: p[::-1],
        5: lambda p: p.T,
        6: lambda p: np.rot90(p, -1),
        7: lambda p: p[::-1, ::-1].T,
        8: np.rot90,
    }.get(orientation, lambda p: p)(pixels)
    return np.ascontiguousarray(upright)


def _open(data: bytes, kind: str) -> Image.Image:
    """Open `data` with Pillow's decoder for `kind` only."""
    image = Image.open(io.BytesIO(data), formats=[kind])
    if image.format != kind:  # Pillow reports a JPEG of several images as an MPO
        raise FilmError(headers.SEVERAL, Refusal.SEVERAL)
    return image


def _is_deep(image: Image.Image) -> bool:
    return image.mode in DEEP or image.mode.startswith("I;16")


def _gray(image: Image.Image) -> tuple[np.ndarray, np.ndarray | None, tuple[str, ...], bool]:
    """Return gray pixels (height, width) uint8, alpha alike (None if opaque), warnings, whether it is in color."""
    if _is_deep(image):
        return _scaled(image), None, (), False
    # 1-bit and gray stay gray; palette, CMYK and others become red, green, blue.
    has_alpha = image.mode in WITH_ALPHA or "transparency" in image.info
    mode = "RGBA" if has_alpha else "L" if image.mode in ("1", "L") else "RGB"
    pixels = np.empty((image.height, image.width), np.uint8)
    alpha = np.empty_like(pixels) if has_alpha else None
    colored = 0
    for rows in blocks(image.height):
        strip = np.asarray(_strip(image, rows).convert(mode))
        if mode == "L":
            pixels[rows] = strip
            continue
        pixels[rows], colored_here = gray_of_color(np.ascontiguousarray(strip[..., :3]))
        colored += colored_here
        if alpha is not None:
            alpha[rows] = strip[..., 3]
    in_color = colored > COLOR_SHARE * pixels.size
    if alpha is None or alpha.min() == config.GRAY_LEVELS:
        return pixels, None, (), in_color
    return _on_black(pixels, alpha), alpha, (ALPHA,), in_color


def _strip(image: Image.Image, rows: slice) -> Image.Image:
    return image.crop((0, rows.start, image.width, rows.stop))


def _scaled(image: Image.Image) -> np.ndarray:
    """Scale a gray image of more than 8 bits to uint8: its smallest value becomes black, its largest white."""
    ranges = []
    for rows in blocks(image.height):
        strip = np.asarray(_strip(image, rows))
        ranges.append((strip.min(), strip.max()))  # NaN if there is one
    low, high = float(np.min(ranges)), float(np.max(ranges))
    check_range(low, high, whole_numbers=image.mode != "F")
    pixels = np.empty((image.height, image.width), np.uint8)
    for rows in blocks(image.height):
        pixels[rows] = stretch(np.asarray(_strip(image, rows)), low, high)
    return pixels


def _on_black(values: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """Composite `values` of any integer type over black by `alpha` (uint8), both (height, width)."""
    composite = np.empty_like(values)
    for rows in blocks(len(values)):
        composite[rows] = np.rint(values[rows].astype(np.float32) * alpha[rows] / config.GRAY_LEVELS)
    return composite


def _deep_color(data: bytes, pixels: np.ndarray, alpha: np.ndarray | None, orientation: int = 1) -> np.ndarray:
    """Return a 16-bit color image as gray, scaled by its own range; its 8-bit `pixels` if OpenCV cannot read it."""
    deep = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_ANYDEPTH | cv2.IMREAD_IGNORE_ORIENTATION)
    deep = pixels if deep is None else apply_orientation(deep, orientation)
    if deep.shape != pixels.shape or deep.dtype != np.uint16:
        deep = pixels
    elif alpha is not None:
        deep = _on_black(deep, alpha)
    low, high = int(deep.min()), int(deep.max())
    check_range(low, high, whole_numbers=True)
    scaled = np.empty(deep.shape, np.uint8)
    for rows in blocks(len(deep)):
        scaled[rows] = stretch(deep[rows], low, high)
    return scaled
