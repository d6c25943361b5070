"""Bytes to film: the only place that decodes anything.

A file is told by its first bytes, never by its name; only PNG, JPEG, TIFF and DICOM get to a decoder, and their sizes
are checked from the header before one runs. What comes out is an 8-bit grey array, upright, bright where tissue is
dense, with plain warnings; what cannot be read is refused in one plain sentence.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

from covid_model import config
from covid_model.imaging import raster, tones
from covid_model.imaging.image import Film, FilmError, show_name

__all__ = ["Film", "FilmError", "decode", "read", "show_name"]

WANTED = "A film must be a PNG, JPEG, TIFF or DICOM file"
# What the first bytes of other common files are, so that the refusal can say what came.
OTHERS = (
    (b"GIF8", "a GIF"),
    (b"RIFF", "a WebP or another RIFF file"),
    (b"%PDF", "a PDF"),
    (b"%!PS", "a PostScript file"),
    (b"8BPS", "a Photoshop file"),
    (b"SIMPLE  =", "a FITS file"),
    (b"BM", "a BMP"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"II+\0", "a BigTIFF"),
    (b"MM\0+", "a BigTIFF"),
    (b"\0\0\0\x0cjP  ", "a JPEG 2000 picture"),
    (b"\xff\x4f\xff\x51", "a JPEG 2000 picture"),
    (b"\x02\0\0\0", "a DICOM file without its 128-byte preamble"),
    (b"\x08\0", "a DICOM file without its 128-byte preamble"),
)


def decode(data: bytes) -> Film:
    """Read one film.

    Args:
        data: a whole PNG, JPEG, TIFF or DICOM file, under whatever name.

    Returns:
        Film: pixels (height, width) uint8 in [0, 255], read-only.

    Raises:
        FilmError: anything else, and nothing but this.
    """
    data = bytes(data)
    kind = _sniff(data)
    reader = _reader(kind)
    try:
        pixels, warnings, in_colour = raster.Grey(*reader(data))
    except FilmError:
        raise
    except Exception as error:  # whatever a decoder makes of bytes that someone damaged or made up
        logging.getLogger(__name__).info("A %s could not be read: %s", kind, type(error).__name__)
        message = f"The {kind} could not be read: it is damaged, cut short or of a kind that this demo does not know."
        raise FilmError(message) from error
    tones.check_range(int(pixels.min()), int(pixels.max()), whole_numbers=True)
    if tones.looks_inverted(pixels):
        warnings = (*warnings, tones.INVERTED)
    pixels.setflags(write=False)  # a film is shared between the sessions of an app
    return Film(pixels, warnings, kind, in_colour)


def read(path: Path) -> Film:
    """Read one film from a file, whose size is checked first; FilmError also for a missing or unreadable one."""
    path, name = Path(path), show_name(Path(path).name)
    try:
        if not path.is_file():
            raise FilmError(f"There is no file {name}.")
        _check_bytes(path.stat().st_size)
        data = path.read_bytes()
    except (OSError, ValueError) as error:  # ValueError: a path with a null character
        if isinstance(error, FilmError):
            raise
        raise FilmError(f"The file {name} cannot be opened.") from error
    return decode(data)


def _check_bytes(size: int) -> None:
    if size == 0:
        raise FilmError(f"{WANTED}; this file is empty.")
    if size > config.MAX_BYTES:
        limit, came = config.MAX_BYTES / 2**20, size / 2**20
        raise FilmError(f"A film's file may have at most {limit:.0f} MB; this one has {came:.1f} MB.")


def _sniff(data: bytes) -> str:
    """The kind of file by its first bytes, one of Film's kinds. FilmError for any other, saying what it seems to be."""
    _check_bytes(len(data))
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if data.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if data[128:132] == b"DICM":  # before TIFF, whose first bytes a DICOM's preamble may hold
        return "DICOM"
    if data.startswith((b"II*\0", b"MM\0*")):
        return "TIFF"
    other = next((name for start, name in OTHERS if data.startswith(start)), None)
    if other is None:
        other = "text (a web page, an SVG or the like)" if b"\0" not in data[:512] and _is_text(data[:512]) else None
    raise FilmError(f"{WANTED}; this one is {other or 'something else'}.")


def _is_text(start: bytes) -> bool:
    try:
        start.decode("utf-8")
    except UnicodeDecodeError as error:
        return error.start > len(start) - 4  # a letter cut in two at the end
    return True


def _reader(kind: str) -> Callable[[bytes], raster.Grey]:
    if kind != "DICOM":
        return {"PNG": raster.png, "JPEG": raster.jpeg, "TIFF": raster.tiff}[kind]
    from covid_model.imaging import dicom  # pydicom is loaded only when a DICOM comes

    return dicom.dicom
