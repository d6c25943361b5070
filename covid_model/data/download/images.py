"""List the films of a data folder, convert original files to them, and check the films that are there.

`assets/dataset.csv` is the list: metadata without pixels, to rebuild the same data set.

A film of a data folder is an 8-bit gray JPEG whose longer side is at most 512 pixels. Sources in SQUARE_SIDES have
square films, without their original proportions. How the squares of the SIIM challenge were made from its DICOM files
is not recorded: here the displayed values are scaled to 256 x 256, which may differ. Other versions of Pillow write
different bytes, so a film is checked by its size, not by the list's SHA-256: it must match the listed size, scaled.

Pillow is used directly, not `imaging.decode`: that is for uploads, and refuses or warns of some of these known films.
"""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
import pandas as pd
from PIL import Image, ImageOps

from covid_model import config
from covid_model.data.download import http
from covid_model.data.download.http import DownloadError, Failure, NotAvailable

MANIFEST_COLUMNS = (
    "id", "path", "lung_mask", "geographic_mean", "opacity_mean", "split", "covid", "source", "finding", "patient",
    "view", "sex", "age", "width", "height", "license", "url", "doi", "original_file", "sha256", "panel",
)  # fmt: skip
LIST_COLUMNS = (
    "id", "path", "source", "original_file", "patient", "split", "covid", "finding", "view", "sex", "age", "width",
    "height", "url", "doi", "license", "lung_mask", "geographic_mean", "opacity_mean", "sha256", "panel",
)  # fmt: skip


@dataclass(frozen=True)
class ListedFilm:
    """A row of the list of films. `row` has every column as text."""

    id: str
    path: str
    source: str
    original_file: str
    width: int
    height: int
    has_mask: bool
    sha256: str
    row: dict[str, str]

    @property
    def mask_path(self) -> str:
        """The path of its lung mask in a data folder."""
        return f"lung_masks/{self.id}.png"


def write_list(manifest: Path, to: Path | None = None) -> int:
    """Write the list of films from a data folder's manifest. Return the number of films.

    Values are copied unchanged, except `lung_mask`: 1 if there is a mask, else 0.

    Raises:
        DownloadError: the manifest cannot be read or lacks a column.
    """
    to = config.DATASET_CSV if to is None else to
    films = _read(manifest, MANIFEST_COLUMNS)
    films["lung_mask"] = (films["lung_mask"] != "").astype(int).astype(str)
    write_table(films.loc[:, list(LIST_COLUMNS)], to)
    return len(films)


def write_part(listing: Path, ids: Collection[str], to: Path) -> None:
    """Write a list of only the films `ids`, without their lung masks, from a list written by `write_list`."""
    films = _read(listing, LIST_COLUMNS)
    write_table(films[films["id"].isin(set(ids))].assign(lung_mask="0"), to)


def read_films(listing: Path) -> list[ListedFilm]:
    """Load a list written by `write_list`, in its order. Raises DownloadError if it is invalid."""
    films = []
    for row in _read(listing, LIST_COLUMNS).to_dict("records"):
        if not _stays_inside(row["path"]):
            raise DownloadError(f"{listing} places the X-ray {row['id']!r} outside the data folder.", Failure.OUTSIDE)
        if not row["width"].isdigit() or not row["height"].isdigit():
            raise DownloadError(
                f"{listing}: the width and height of the X-ray {row['id']!r} must be integers.", Failure.LIST
            )
        films.append(
            ListedFilm(
                id=row["id"],
                path=row["path"],
                source=row["source"],
                original_file=row["original_file"],
                width=int(row["width"]),
                height=int(row["height"]),
                has_mask=row["lung_mask"] == "1",
                sha256=row["sha256"],
                row=row,
            )
        )
    return films


def write_table(table: pd.DataFrame, to: Path) -> None:
    """Write a table of text as CSV, completely or not at all."""
    to.parent.mkdir(parents=True, exist_ok=True)
    part = to.with_name(to.name + ".part")
    try:
        table.to_csv(part, index=False, lineterminator="\n")
        os.replace(part, to)
    finally:
        part.unlink(missing_ok=True)


def _read(path: Path, columns: tuple[str, ...]) -> pd.DataFrame:
    try:
        films = pd.read_csv(path, dtype=str, keep_default_na=False)
    except (OSError, ValueError) as error:
        raise DownloadError(f"{path} could not be read as a table: {error}", Failure.LIST) from error
    missing = [column for column in columns if column not in films.columns]
    if missing:
        raise DownloadError(
            f"{path} lacks the columns {', '.join(missing)}. Received: {', '.join(films.columns)}.", Failure.LIST
        )
    return films


def _stays_inside(path: str) -> bool:
    parts = PurePosixPath(path)
    return bool(path) and not parts.is_absolute() and ".." not in parts.parts and "\\" not in path


MAX_SIDE = 512  # pixels: the longest side of a film in a data folder; smaller films keep their size
SQUARE_SIDES = {"kermany": 224, "radiography": 224, "siim": 256}  # pixels per side, of sources with square films
JPEG_QUALITY = 90
FORMATS = ("JPEG", "PNG", "MPO")  # MPO: a JPEG followed by more images, as some phones write


def target_size(listed: ListedFilm) -> tuple[int, int]:
    """Return the width and height in pixels that the film has in a data folder."""
    if listed.source in SQUARE_SIDES:
        return (SQUARE_SIDES[listed.source],) * 2
    scale = min(1.0, MAX_SIDE / max(listed.width, listed.height))
    return max(1, round(listed.width * scale)), max(1, round(listed.height * scale))


def make_film(data: bytes, listed: ListedFilm) -> bytes:
    """Convert the content of an original file to a film of a data folder.

    Returns:
        An 8-bit gray JPEG: `data` itself if it already is a square of the source's size.

    Raises:
        NotAvailable: the file is not an image, damaged, blank, too large, or not of the listed size.
    """
    picture = _dicom(data) if _is_dicom(data) else _open(data, FORMATS)
    if listed.source in SQUARE_SIDES:
        size = target_size(listed)
        if picture.format == "JPEG" and picture.mode == "L" and picture.size == size:
            return data
        film = _gray(_upright(picture)).resize(size, Image.Resampling.BICUBIC)
    else:
        film = _scaled(picture, listed)
    low, high = film.getextrema()
    if low == high:
        raise NotAvailable("the image is blank", Failure.BLANK)
    stored = io.BytesIO()
    film.save(stored, "JPEG", quality=JPEG_QUALITY)
    return stored.getvalue()


def make_mask(data: bytes, listed: ListedFilm) -> bytes:
    """Convert a lung mask to a 1-bit PNG, 1 in the lungs, at its own size. Raises NotAvailable if it does not fit."""
    picture = _open(data, ("PNG",))
    if abs(picture.width * listed.height / (picture.height * listed.width) - 1) > 0.05:
        raise NotAvailable(
            f"the lung mask is {_by(picture.size)} and does not match the proportions of the X-ray", Failure.WRONG_SIZE
        )
    values = np.asarray(picture.convert("L"))
    if values.min() == values.max():
        raise NotAvailable("the lung mask is blank", Failure.BLANK)
    stored = io.BytesIO()
    Image.fromarray(values > values.max() // 2).save(stored, "PNG", optimize=True)
    return stored.getvalue()


def complete_film(path: Path, listed: ListedFilm) -> str | None:
    """Return the SHA-256 of the film at `path` if it exists, can be decoded and has the right size; else None."""
    if not path.is_file() or path.stat().st_size > config.MAX_BYTES:
        return None
    data = path.read_bytes()
    try:
        picture = _open(data, ("JPEG",))
    except NotAvailable:
        return None
    return hashlib.sha256(data).hexdigest() if _close(picture.size, target_size(listed)) else None


def is_complete_mask(path: Path) -> bool:
    """Return whether there is a lung mask at `path` that can be decoded."""
    if not path.is_file() or path.stat().st_size > config.MAX_BYTES:
        return False
    try:
        return _open(path.read_bytes(), ("PNG",)).mode == "1"
    except NotAvailable:
        return False


def write_file(data: bytes, path: Path) -> None:
    """Write `data` to `path` completely, or not at all."""
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
    """Decode a DICOM file to an 8-bit gray image, bright where tissue is dense."""
    from covid_model.imaging import FilmError
    from covid_model.imaging.dicom import dicom

    if len(data) > http.MAX_DICOM_BYTES:
        raise NotAvailable(f"the file is larger than {http.MAX_DICOM_BYTES / 2**20:.0f} MB", Failure.TOO_LARGE)
    try:
        return Image.fromarray(dicom(data)[0])
    except FilmError as error:
        raise NotAvailable(f"the DICOM file cannot be used: {error}", Failure.DAMAGED) from error
    except Exception as error:  # pydicom and its decoders raise many kinds on damaged files
        raise NotAvailable("the DICOM file is damaged", Failure.DAMAGED) from error


def _open(data: bytes, formats: tuple[str, ...]) -> Image.Image:
    """Decode an image completely, after a check of its size."""
    if len(data) > config.MAX_BYTES:
        raise NotAvailable(f"the file is larger than {config.MAX_BYTES / 2**20:.0f} MB", Failure.TOO_LARGE)
    try:
        picture = Image.open(io.BytesIO(data), formats=formats)
    except Exception as error:  # Pillow's readers raise many kinds on hostile bytes
        is_page = data.lstrip()[:1] == b"<"
        received = "a web page" if is_page else "an empty file" if not data else "another type of file"
        raise NotAvailable(
            f"expected a {' or '.join(formats[:2])} image, got {received}", Failure.OTHER_TYPE
        ) from error
    width, height = picture.size
    if width * height > config.MAX_PIXELS:
        raise NotAvailable(
            f"the image is {_by(picture.size)}, more than {config.MAX_PIXELS / 1e6:.0f} megapixels", Failure.TOO_LARGE
        )
    try:
        picture.load()
    except Exception as error:
        raise NotAvailable("the image is damaged", Failure.DAMAGED) from error
    return picture


def _scaled(picture: Image.Image, listed: ListedFilm) -> Image.Image:
    """Convert to gray and scale, rotated upright or left as stored: whichever has the listed size."""
    target = target_size(listed)
    for oriented in (_upright(picture), picture):
        film = _gray(oriented)
        film.thumbnail((MAX_SIDE, MAX_SIDE))
        if _close(film.size, target):
            return film
    raise NotAvailable(
        f"the image is {_by(picture.size)}; expected {listed.width} x {listed.height}", Failure.WRONG_SIZE
    )


def _upright(picture: Image.Image) -> Image.Image:
    try:
        return ImageOps.exif_transpose(picture)
    except Exception:  # a damaged EXIF block does not affect the pixels
        return picture


def _gray(picture: Image.Image) -> Image.Image:
    """Convert to 8-bit gray. Deeper images are scaled by their own range: a plain conversion would saturate them."""
    if not picture.mode.startswith(("I", "F")):
        return picture.convert("L")
    values = np.asarray(picture).astype(np.float64)
    low, high = values.min(), values.max()
    return Image.fromarray(np.uint8(np.round((values - low) * (config.GRAY_LEVELS / max(high - low, 1)))))


def _close(size: tuple[int, int], target: tuple[int, int]) -> bool:
    return abs(size[0] - target[0]) <= 1 and abs(size[1] - target[1]) <= 1


def _by(size: tuple[int, int]) -> str:
    return f"{size[0]} x {size[1]} pixels"
