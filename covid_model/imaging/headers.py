"""What JPEG and TIFF files say of themselves, read from their bytes before a decoder sees them.

Decoders trust these structures more than is good for memory and time: directories that point at themselves, tags
that all claim the same megabytes, thousands of scans. Sources: ITU-T T.81 annex B (JPEG), T.87 (JPEG-LS), TIFF 6.0
section 2, CIPA DC-007 (several pictures in a JPEG).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

from covid_model import config
from covid_model.imaging.image import FilmError

SEVERAL = "A film is one picture; this file holds several (pages, frames or views)."
MAX_SCANS = 50  # of a progressive JPEG: each one costs the decoder a pass over the whole image
CUT_SHORT = "The file is damaged or cut short; please send the whole film."

# --- JPEG ------------------------------------------------------------------------------------
START_OF_SCAN, END_OF_IMAGE = 0xDA, b"\xff\xd9"
FRAMES = {*range(0xC0, 0xD0), 0xF7} - {0xC4, 0xC8, 0xCC}  # start of frame, JPEG-LS's too; not DHT, JPG, DAC
HIERARCHICAL = {0xDE, 0xDF}
KEPT = {0xE0, 0xEE}  # of the application segments: JFIF and Adobe (which says how the colours are coded)
DROPPED = {*range(0xE1, 0xF0), 0xFE} - KEPT  # Exif, profiles, previews, comments: nothing of the picture itself


@dataclass
class Jpeg:
    """What stands before a JPEG's first scan, and the JPEG without anything but the picture."""

    width: int
    height: int
    components: int
    exif: bytes  # TIFF bytes of the first Exif segment, or empty
    bare: bytes  # from start to end of image, without application data and without what follows the end


def jpeg(data: bytes) -> Jpeg:
    """Read `data` (JPEG or JPEG-LS) up to its first scan, and find its end.

    Raises:
        FilmError: cut short, not a single picture, or with more scans than any real one has.
    """
    kept, exif, frame = [data[:2]], b"", None
    at = 2
    while True:
        while data[at : at + 2] == b"\xff\xff":  # a marker may be preceded by fill bytes
            at += 1
        if len(data) < at + 4 or data[at] != 0xFF:
            raise FilmError(CUT_SHORT)
        marker, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4], "big")
        end = at + 2 + length
        body = data[at + 4 : end]
        if length < 2 or end > len(data):
            raise FilmError(CUT_SHORT)
        if marker == START_OF_SCAN:
            break
        if (marker in FRAMES and frame is not None) or marker in HIERARCHICAL:
            raise FilmError(SEVERAL)
        if marker in FRAMES:
            frame = struct.unpack_from(">xHHB", body) if len(body) >= 6 else None
        if marker == 0xE2 and body.startswith(b"MPF\0"):
            raise FilmError(SEVERAL)
        if marker == 0xE1 and body.startswith(b"Exif\0\0") and not exif:
            exif = body[6:]
        if marker not in DROPPED:
            kept.append(data[at:end])
        at = end
    # Within a scan a byte 255 is never followed by one of these, so the first such pair is the real end.
    end = data.find(END_OF_IMAGE, at)
    if frame is None or end < 0:
        raise FilmError(CUT_SHORT)
    if data.count(bytes((0xFF, START_OF_SCAN)), at, end) > MAX_SCANS:
        raise FilmError(f"A JPEG may be built of at most {MAX_SCANS} scans; this one has more.")
    height, width, components = frame
    return Jpeg(width, height, components, exif, b"".join([*kept, data[at:end], END_OF_IMAGE]))


# --- TIFF ------------------------------------------------------------------------------------
WIDTH, HEIGHT, BITS, PHOTOMETRIC, ORIENTATION = 256, 257, 258, 262, 274
TILE_WIDTH, TILE_HEIGHT = 322, 323
NESTED = (34665, 34853, 40965)  # Exif, GPS and interoperability directories
TYPE_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}


@dataclass
class Directory:
    """One TIFF directory: the first value of each tag of whole numbers, where the next one is, what all tags weigh."""

    values: dict[int, int] = field(default_factory=dict)
    next: int = 0
    weight: int = 0  # bytes that the tags' values take up, as they claim


def directory(data: bytes, at: int | None = None) -> Directory:
    """The directory of TIFF bytes `data` at offset `at` (the first one where None).

    Raises:
        FilmError, struct.error: it does not lie within the data.
    """
    order = {b"II": "<", b"MM": ">"}.get(data[:2])
    if order is None:
        raise FilmError(CUT_SHORT)
    if at is None:
        (at,) = struct.unpack_from(order + "I", data, 4)
    (count,) = struct.unpack_from(order + "H", data, at)
    found = Directory()
    for entry in range(at + 2, at + 2 + 12 * count, 12):
        tag, kind, number = struct.unpack_from(order + "HHI", data, entry)
        size = number * TYPE_SIZES.get(kind, 1)
        found.weight += size
        if kind in (3, 4, 13) and number:
            where = entry + 8 if size <= 4 else struct.unpack_from(order + "I", data, entry + 8)[0]
            (found.values[tag],) = struct.unpack_from(order + ("H" if kind == 3 else "I"), data, where)
    (found.next,) = struct.unpack_from(order + "I", data, at + 2 + 12 * count)
    return found


def tiff(data: bytes) -> Directory:
    """The one page of a TIFF.

    Raises:
        FilmError: several pages, a directory that leads to itself, tags or tiles larger than the file can hold.
    """
    try:
        page = directory(data)
        if page.next:
            raise FilmError(SEVERAL)
        weight, seen = page.weight, set()
        todo = [page.values[tag] for tag in NESTED if tag in page.values]
        while todo:
            at = todo.pop()
            if at in seen:
                raise FilmError("A TIFF's directories must lead to an end; those of this one lead in a circle.")
            seen.add(at)
            inner = directory(data, at)
            weight += inner.weight
            todo += [inner.values[tag] for tag in NESTED if tag in inner.values]
        width, height = page.values[WIDTH], page.values[HEIGHT]
    except (struct.error, KeyError) as error:
        raise FilmError(CUT_SHORT) from error
    if weight > len(data):
        raise FilmError("A TIFF's tags must fit into the file; those of this one claim more than there is.")
    tile = (page.values.get(TILE_WIDTH, width), page.values.get(TILE_HEIGHT, height))
    if tile != (width, height) and tile[0] * tile[1] > config.MAX_PIXELS:
        limit, came = config.MAX_PIXELS // 1_000_000, f"{tile[0]:,} × {tile[1]:,}"
        raise FilmError(f"A TIFF's tiles may have at most {limit} million pixels; those of this one have {came}.")
    return page


def orientation(exif: bytes) -> int:
    """How a picture is to be turned, 1 (not at all) to 8, by its Exif bytes; 1 where these are broken or absent."""
    try:
        value = directory(exif.removeprefix(b"Exif\0\0")).values.get(ORIENTATION, 1)
    except (FilmError, struct.error):
        return 1
    return value if 1 <= value <= 8 else 1
