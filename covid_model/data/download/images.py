"""Original files made into films of a data folder.

A film of a data folder is an 8-bit gray JPEG whose longest side is at most 512 pixels; films of the sources that stand
squashed are squares (SQUARE_SIDES). How the challenge's squares were made of its DICOM files is not
recorded: ours are the values as the file says they are to be shown, scaled to 256 x 256, and may differ from them.
Another version of Pillow writes other bytes, so a film is not held against the list's SHA-256 but against its size:
after scaling it must be as wide and as high, to a pixel, as the list's width and height scale to.

Here Pillow is used directly, not `films.decode`, which serves uploads: it refuses and warns where these known films
are to be taken as they are.
"""

from __future__ import annotations

import hashlib
import io
import os
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from covid_model import config
from covid_model.data.download import http
from covid_model.data.download.http import NotAvailable
from covid_model.data.download.manifest import WantedFilm

MAX_SIDE = 512  # pixels: the longest side of a film in a data folder; smaller films keep their size
SQUARE_SIDES = {"kermany": 224, "radiography": 224, "siim": 256}  # sources whose films are squares: pixels a side
JPEG_QUALITY = 90
FORMATS = ("JPEG", "PNG", "MPO")  # MPO: a JPEG with further pictures behind it, as some telephones write it


def target_size(wanted: WantedFilm) -> tuple[int, int]:
    """Width and height of the film in a data folder, to a pixel."""
    if wanted.source in SQUARE_SIDES:
        return (SQUARE_SIDES[wanted.source],) * 2
    scale = min(1.0, MAX_SIDE / max(wanted.width, wanted.height))
    return max(1, round(wanted.width * scale)), max(1, round(wanted.height * scale))


def make_film(data: bytes, wanted: WantedFilm) -> bytes:
    """The film as a data folder holds it, from the content of its original file.

    Returns:
        An 8-bit gray JPEG; for a squashed source, the content itself where it already is one of the right size.

    Raises:
        NotAvailable: not a picture, damaged, blank, past the limits, or of another size than the list says.
    """
    picture = _dicom(data) if _is_dicom(data) else _open(data, FORMATS)
    if wanted.source in SQUARE_SIDES:
        size = target_size(wanted)
        if picture.format == "JPEG" and picture.mode == "L" and picture.size == size:
            return data
        film = _gray(_upright(picture)).resize(size, Image.Resampling.BICUBIC)
    else:
        film = _scaled(picture, wanted)
    low, high = film.getextrema()
    if low == high:
        raise NotAvailable("what came is a blank picture")
    stored = io.BytesIO()
    film.save(stored, "JPEG", quality=JPEG_QUALITY)
    return stored.getvalue()


def make_mask(data: bytes, wanted: WantedFilm) -> bytes:
    """A lung mask as a data folder holds it: a PNG of 1 bit, lungs 1, in the shape of the film, in its own size."""
    picture = _open(data, ("PNG",))
    if abs(picture.width * wanted.height / (picture.height * wanted.width) - 1) > 0.05:
        raise NotAvailable(f"the lung mask is {_by(picture.size)}, another shape than the film's")
    values = np.asarray(picture.convert("L"))
    if values.min() == values.max():
        raise NotAvailable("the lung mask is blank")
    stored = io.BytesIO()
    Image.fromarray(values > values.max() // 2).save(stored, "PNG", optimize=True)
    return stored.getvalue()


def whole_film(path: Path, wanted: WantedFilm) -> str | None:
    """The SHA-256 of the film at `path` where it is there, can be decoded and has the right size; else None."""
    if not path.is_file() or path.stat().st_size > config.MAX_BYTES:
        return None
    data = path.read_bytes()
    try:
        picture = _open(data, ("JPEG",))
    except NotAvailable:
        return None
    return hashlib.sha256(data).hexdigest() if _close(picture.size, target_size(wanted)) else None


def whole_mask(path: Path) -> bool:
    """Whether a lung mask lies at `path` and can be decoded."""
    if not path.is_file() or path.stat().st_size > config.MAX_BYTES:
        return False
    try:
        return _open(path.read_bytes(), ("PNG",)).mode == "1"
    except NotAvailable:
        return False


def keep(data: bytes, path: Path) -> None:
    """Put `data` at `path`, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    try:
        part.write_bytes(data)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def _is_dicom(data: bytes) -> bool:
    return data[128:132] == b"DICM"


def _dicom(data: bytes) -> Image.Image:
    """The picture of a DICOM file, 8-bit gray, bright where tissue is dense."""
    from covid_model.imaging import FilmError
    from covid_model.imaging.dicom import dicom

    if len(data) > http.MAX_DICOM_BYTES:
        raise NotAvailable(f"what came is larger than {http.MAX_DICOM_BYTES / 2**20:.0f} MB")
    try:
        return Image.fromarray(dicom(data)[0])
    except FilmError as error:
        raise NotAvailable(f"what came is a DICOM file that cannot be used: {error}") from error
    except Exception as error:  # whatever pydicom and its decoders make of damaged bytes
        raise NotAvailable("what came is a damaged DICOM file") from error


def _open(data: bytes, formats: tuple[str, ...]) -> Image.Image:
    """The picture in `data`, decoded whole; its size is looked at before its pixels are."""
    if len(data) > config.MAX_BYTES:
        raise NotAvailable(f"what came is larger than {config.MAX_BYTES / 2**20:.0f} MB")
    try:
        picture = Image.open(io.BytesIO(data), formats=formats)
    except Exception as error:  # Pillow's readers raise many kinds on hostile bytes
        page = data.lstrip()[:1] == b"<"
        what = "a web page" if page else "empty" if not data else "something else"
        raise NotAvailable(f"what came is no {' or '.join(formats[:2])} picture but {what}") from error
    width, height = picture.size
    if width * height > config.MAX_PIXELS:
        raise NotAvailable(f"what came is {_by(picture.size)}, more than {config.MAX_PIXELS / 1e6:.0f} megapixels")
    try:
        picture.load()
    except Exception as error:
        raise NotAvailable("what came is a damaged picture") from error
    return picture


def _scaled(picture: Image.Image, wanted: WantedFilm) -> Image.Image:
    """Gray and scaled, turned upright or left as stored: whichever has the size that the list names."""
    target = target_size(wanted)
    for turned in (_upright(picture), picture):
        film = _gray(turned)
        film.thumbnail((MAX_SIDE, MAX_SIDE))
        if _close(film.size, target):
            return film
    raise NotAvailable(f"what came is {_by(picture.size)}; the list says {wanted.width} x {wanted.height}")


def _upright(picture: Image.Image) -> Image.Image:
    try:
        return ImageOps.exif_transpose(picture)
    except Exception:  # a broken EXIF block says nothing about the pixels
        return picture


def _gray(picture: Image.Image) -> Image.Image:
    """8-bit gray. More than 8 bits are scaled by the picture's own range: a plain conversion would saturate them."""
    if not picture.mode.startswith(("I", "F")):
        return picture.convert("L")
    values = np.asarray(picture).astype(np.float64)
    low, high = values.min(), values.max()
    return Image.fromarray(np.uint8(np.round((values - low) * (config.GRAY_LEVELS / max(high - low, 1)))))


def _close(size: tuple[int, int], target: tuple[int, int]) -> bool:
    return abs(size[0] - target[0]) <= 1 and abs(size[1] - target[1]) <= 1


def _by(size: tuple[int, int]) -> str:
    return f"{size[0]} x {size[1]}"
