"""Check the structure of JPEG and TIFF files before a decoder runs.

Decoders trust these structures more than is good for memory and time: directories that refer to themselves, tags
that all claim the same megabytes, thousands of scans. Sources: ITU-T T.81 annex B (JPEG), T.87 (JPEG-LS), TIFF 6.0
section 2, CIPA DC-007 (several images in a JPEG).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

from covid_model import config
from covid_model.imaging.image import FilmError, Refusal

SEVERAL = "Expected one image; the file contains several (pages, frames or views). Save the X-ray as a single image."
MAX_SCANS = 50  # of a progressive JPEG: each one costs the decoder a pass over the whole image
CUT_SHORT = "The file is damaged or cut short. Copy or export the X-ray again."

# --- JPEG ------------------------------------------------------------------------------------
START_OF_SCAN, END_OF_IMAGE = 0xDA, b"\xff\xd9"
FRAMES = {*range(0xC0, 0xD0), 0xF7} - {0xC4, 0xC8, 0xCC}  # start of frame, JPEG-LS's too; not DHT, JPG, DAC
HIERARCHICAL = {0xDE, 0xDF}
KEPT = {0xE0, 0xEE}  # application segments: JFIF and Adobe (which states how colors are encoded)
DROPPED = {*range(0xE1, 0xF0), 0xFE} - KEPT  # Exif, profiles, previews, comments: no image data


@dataclass
class Jpeg:
    """The header of a JPEG, and the JPEG reduced to its image data."""

    width: int
    height: int
    components: int
    exif: bytes  # TIFF bytes of the first Exif segment, or empty
    bare: bytes  # from start to end of image, without application data and anything after the end


def jpeg(data: bytes) -> Jpeg:
    """Read the header of `data` (JPEG or JPEG-LS) up to its first scan, and find its end.

    Raises:
        FilmError: cut short, more than one image, or more than MAX_SCANS scans.
    """
    kept, exif, frame = [data[:2]], b"", None
    at = 2
    while True:
        while data[at : at + 2] == b"\xff\xff":  # fill bytes may precede a marker
            at += 1
        if len(data) < at + 4 or data[at] != 0xFF:
            raise FilmError(CUT_SHORT, Refusal.DAMAGED)
        marker, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4], "big")
        end = at + 2 + length
        body = data[at + 4 : end]
        if length < 2 or end > len(data):
            raise FilmError(CUT_SHORT, Refusal.DAMAGED)
        if marker == START_OF_SCAN:
            break
        if (marker in FRAMES and frame is not None) or marker in HIERARCHICAL:
            raise FilmError(SEVERAL, Refusal.SEVERAL)
        if marker in FRAMES:
            frame = struct.unpack_from(">xHHB", body) if len(body) >= 6 else None
        if marker == 0xE2 and body.startswith(b"MPF\0"):
            raise FilmError(SEVERAL, Refusal.SEVERAL)
        if marker == 0xE1 and body.startswith(b"Exif\0\0") and not exif:
            exif = body[6:]
        if marker not in DROPPED:
            kept.append(data[at:end])
        at = end
    # Within a scan a byte 255 is never followed by one of these, so the first such pair is the real end.
    end = data.find(END_OF_IMAGE, at)
    if frame is None or end < 0:
        raise FilmError(CUT_SHORT, Refusal.DAMAGED)
    if data.count(bytes((0xFF, START_OF_SCAN)), at, end) > MAX_SCANS:
        raise FilmError(
            f"The JPEG has more than {MAX_SCANS} scans. Save the X-ray as a baseline JPEG or a PNG.",
            Refusal.TOO_COMPLEX,
        )
    height, width, components = frame
    return Jpeg(width, height, components, exif, b"".join([*kept, data[at:end], END_OF_IMAGE]))


# --- TIFF ------------------------------------------------------------------------------------
WIDTH, HEIGHT, BITS, PHOTOMETRIC, ORIENTATION = 256, 257, 258, 262, 274
TILE_WIDTH, TILE_HEIGHT = 322, 323
NESTED = (34665, 34853, 40965)  # Exif, GPS and interoperability directories
TYPE_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}


@dataclass
class Directory:
    """A TIFF directory: the first value of each integer tag, and the offset of the next directory."""

    values: dict[int, int] = field(default_factory=dict)
    next: int = 0
    weight: int = 0  # bytes that the tags claim for their values


def directory(data: bytes, at: int | None = None) -> Directory:
    """Read the directory of TIFF bytes `data` at offset `at`; the first one if `at` is None.

    Raises:
        FilmError, struct.error: the directory is not within the data.
    """
    order = {b"II": "<", b"MM": ">"}.get(data[:2])
    if order is None:
        raise FilmError(CUT_SHORT, Refusal.DAMAGED)
    if at is None:
        (at,) = struct.unpack_from(order + "I", data, 4)
    (count,) = struct.unpack_from(order + "H", data, at)
    page = Directory()
    for entry in range(at + 2, at + 2 + 12 * count, 12):
        tag, kind, number = struct.unpack_from(order + "HHI", data, entry)
        size = number * TYPE_SIZES.get(kind, 1)
        page.weight += size
        if kind in (3, 4, 13) and number:
            offset = entry + 8 if size <= 4 else struct.unpack_from(order + "I", data, entry + 8)[0]
            (page.values[tag],) = struct.unpack_from(order + ("H" if kind == 3 else "I"), data, offset)
    (page.next,) = struct.unpack_from(order + "I", data, at + 2 + 12 * count)
    return page


def tiff(data: bytes) -> Directory:
    """Read the directory of a TIFF's only page.

    Raises:
        FilmError: several pages, directories in a circle, tags that claim more than the file contains, or tiles of more
            than config.MAX_PIXELS pixels.
    """
    try:
        page = directory(data)
        if page.next:
            raise FilmError(SEVERAL, Refusal.SEVERAL)
        weight, seen = page.weight, set()
        todo = [page.values[tag] for tag in NESTED if tag in page.values]
        while todo:
            at = todo.pop()
            if at in seen:
                raise FilmError(
                    "The TIFF's directories refer to each other in a circle. Save the X-ray again, or as a PNG.",
                    Refusal.TOO_COMPLEX,
                )
            seen.add(at)
            inner = directory(data, at)
            weight += inner.weight
            todo += [inner.values[tag] for tag in NESTED if tag in inner.values]
        width, height = page.values[WIDTH], page.values[HEIGHT]
    except (struct.error, KeyError) as error:
        raise FilmError(CUT_SHORT, Refusal.DAMAGED) from error
    if weight > len(data):
        raise FilmError(
            "The TIFF's tags claim more data than the file contains. Save the X-ray again, or as a PNG.",
            Refusal.TOO_COMPLEX,
        )
    tile = (page.values.get(TILE_WIDTH, width), page.values.get(TILE_HEIGHT, height))
    if tile != (width, height) and tile[0] * tile[1] > config.MAX_PIXELS:
        limit, size = config.MAX_PIXELS // 1_000_000, f"{tile[0]:,} × {tile[1]:,}"
        raise FilmError(
            f"The TIFF's tiles are {size} pixels; the limit is {limit} million. Save the X-ray as a PNG.",
            Refusal.TOO_COMPLEX,
        )
    return page


def orientation(exif: bytes) -> int:
    """Return the orientation in an image's Exif bytes, 1 (upright) to 8; 1 if they are broken or absent."""
    try:
        value = directory(exif.removeprefix(b"Exif\0\0")).values.get(ORIENTATION, 1)
    except (FilmError, struct.error):
        return 1
    return value if 1 <= value <= 8 else 1
