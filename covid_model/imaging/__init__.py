"""Decode files into chest X-rays. Uploads and files are decoded nowhere else.

A file's type is determined by its first bytes, never by its name. Only PNG, JPEG, TIFF and DICOM files reach a
decoder, and sizes are checked in the header before it runs. The result is an 8-bit grayscale array, upright, bright
where tissue is dense, with warnings for the user; a file that cannot be read raises FilmError.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

from covid_model.imaging import image, raster
from covid_model.imaging.image import Film, FilmError, Refusal, check_bytes, show_name

# First bytes of other common files, so that the error can name what was uploaded.
OTHER_TYPES = (
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
    (b"\0\0\0\x0cjP  ", "a JPEG 2000 file"),
    (b"\xff\x4f\xff\x51", "a JPEG 2000 file"),
    (b"\x02\0\0\0", "a DICOM file without its 128-byte preamble"),
    (b"\x08\0", "a DICOM file without its 128-byte preamble"),
)


def decode(data: bytes) -> Film:
    """Decode one chest X-ray.

    Args:
        data: the bytes of a PNG, JPEG, TIFF or DICOM file.

    Returns:
        Film with pixels (height, width) uint8 in [0, 255], read-only.

    Raises:
        FilmError: for every file that cannot be read. No other exception is raised.
    """
    data = bytes(data)
    kind = _sniff(data)
    reader = _reader(kind)
    try:
        pixels, warnings, in_color = raster.Gray(*reader(data))
    except FilmError:
        raise
    except Exception as error:  # decoders raise almost anything on damaged or hostile bytes
        logging.getLogger(__name__).info("A %s could not be read: %s", kind, type(error).__name__)
        raise FilmError(
            f"The {kind} file could not be read: it is damaged, cut short or of an unsupported variant. "
            "Export the X-ray again.",
            Refusal.DAMAGED,
        ) from error
    image.check_range(int(pixels.min()), int(pixels.max()), whole_numbers=True)
    if image.looks_inverted(pixels):
        warnings = (*warnings, image.INVERTED)
    pixels.setflags(write=False)  # a film is shared between the sessions of an app
    return Film(pixels, warnings, kind, in_color)


def read(path: Path) -> Film:
    """Decode one chest X-ray from a file, after a check of its size. Raises FilmError, also if there is no file."""
    path, name = Path(path), show_name(Path(path).name)
    try:
        if not path.is_file():
            raise FilmError(f"There is no file {name}.", Refusal.UNREADABLE)
        check_bytes(path.stat().st_size)
        data = path.read_bytes()
    except (OSError, ValueError) as error:  # ValueError: a path with a null character
        if isinstance(error, FilmError):
            raise
        raise FilmError(f"The file {name} could not be opened.", Refusal.UNREADABLE) from error
    return decode(data)


def _sniff(data: bytes) -> str:
    """Return the type of a file by its first bytes, one of Film.kind. Raises FilmError for any other type."""
    check_bytes(len(data))
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if data.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if data[128:132] == b"DICM":  # before TIFF, whose first bytes may be in a DICOM file's preamble
        return "DICOM"
    if data.startswith((b"II*\0", b"MM\0*")):
        return "TIFF"
    other = next((name for start, name in OTHER_TYPES if data.startswith(start)), None)
    if other is None:
        is_text = b"\0" not in data[:512] and _is_text(data[:512])
        other = "text (such as a web page or an SVG)" if is_text else "a file of an unknown type"
    raise FilmError(
        f"Expected a PNG, JPEG, TIFF or DICOM file; got {other}. Export the X-ray in one of these formats.",
        Refusal.OTHER_TYPE,
    )


def _is_text(start: bytes) -> bool:
    try:
        start.decode("utf-8")
    except UnicodeDecodeError as error:
        return error.start > len(start) - 4  # a character cut in two at the end
    return True


def _reader(kind: str) -> Callable[[bytes], raster.Gray]:
    if kind != "DICOM":
        return {"PNG": raster.png, "JPEG": raster.jpeg, "TIFF": raster.tiff}[kind]
    from covid_model.imaging import dicom  # pydicom is only loaded if a DICOM file comes in

    return dicom.dicom
