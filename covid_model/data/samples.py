"""Load the sample films: those in the repository, and real ones that are downloaded.

In the repository are simulated films, and a real one whose license allows copying. Up to 24 more real films are
downloaded, each a single file at its source, without a login; `assets/real_films.json` lists them: films that no
network was trained on, one per patient, those under open licenses first. Their licenses require attribution, so pages
show each one's credit.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from covid_model import config
from covid_model.data import dataset
from covid_model.data.dataset import DataError

if TYPE_CHECKING:
    from covid_model.data.download import DownloadReport, Patience


class SampleError(RuntimeError):
    """The list of films, or a film in it, is missing or invalid. The message names it."""


@dataclass(frozen=True)
class Sample:
    """A film in the repository.

    Attributes:
        id: its short name, also in the URL.
        title: a few words; for simulated films they begin with "Simulated:".
        description: a sentence on what the film shows.
        path: the image or DICOM file.
        simulated: False for a real film.
        credit: its source and license.
        covid: 1 if it shows ground-glass opacities typical of COVID-19, 0 if not, None if unknown.
        mask: a black-and-white PNG of the film's size, white in its lesion; None if it has no lesion.
        lungs: the same, white in the lungs; None if unknown.
        thumbnail: a small JPEG of a film that takes long to decode, else None.
    """

    id: str
    title: str
    description: str
    path: Path
    simulated: bool
    credit: str
    covid: int | None
    mask: Path | None
    lungs: Path | None
    thumbnail: Path | None = None


def samples(listing: Path | None = None) -> list[Sample]:
    """Load the list of films in the repository, in its order.

    Args:
        listing: a `films.json`, by default the committed one; its films are in the same folder.

    Raises:
        SampleError: the list is missing or damaged, repeats a film, or names a missing file.
    """
    listing = listing or config.FILMS_JSON
    try:
        entries = json.loads(listing.read_text(encoding="utf-8"))["films"]
    except FileNotFoundError:
        raise SampleError(
            f"There is no list of films at {listing}. Make it with "
            f"`python -m covid_model simulate --to {listing.parent} --ct CT`."
        ) from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SampleError(f"The list of films {listing} could not be read: {type(error).__name__}: {error}.") from error
    if not isinstance(entries, list):
        raise SampleError(
            f'The list of films {listing} must contain a list "films". Received: {type(entries).__name__}'
        )
    loaded = [_sample(entry, listing) for entry in entries]
    ids = [sample.id for sample in loaded]
    twice = sorted({name for name in ids if ids.count(name) > 1})
    if twice:
        raise SampleError(f"The list of films {listing} names {', '.join(twice)} more than once.")
    return loaded


def sample(name: str, listing: Path | None = None) -> Sample:
    """Load the film in the repository with this id. Raises SampleError if there is none."""
    known = {film.id: film for film in samples(listing)}
    if name not in known:
        raise SampleError(f"The film must be one of {', '.join(known)}. Received: {name!r}")
    return known[name]


def _sample(entry: dict, listing: Path) -> Sample:
    """Check an entry of the list and return its film."""
    if not isinstance(entry, dict):
        raise SampleError(f"A film in {listing} must be an object. Received: {entry!r}")
    name = entry.get("id", "?")
    missing = [key for key in ("id", "file", "title", "shows", "simulated", "credit") if entry.get(key) in (None, "")]
    if missing:
        raise SampleError(f"The film {name!r} in {listing} lacks {', '.join(missing)}.")
    if entry.get("covid") not in (0, 1, None):
        raise SampleError(f"The film {name!r} in {listing} must have covid 0, 1 or null. Received: {entry['covid']!r}")
    files = {key: _beside(listing, entry.get(key), name) for key in ("file", "mask", "lungs", "thumbnail")}
    return Sample(
        id=entry["id"],
        title=entry["title"],
        description=entry["shows"],
        path=files["file"],
        simulated=bool(entry["simulated"]),
        credit=entry["credit"],
        covid=entry.get("covid"),
        mask=files["mask"],
        lungs=files["lungs"],
        thumbnail=files["thumbnail"],
    )


def _beside(listing: Path, file: str | None, name: str) -> Path | None:
    """Return the path of `file` in the list's folder. Raises SampleError if it is missing or elsewhere."""
    if file is None:
        return None
    path = listing.parent / file
    if Path(file).name != file or not path.is_file():
        raise SampleError(f"The file {file!r} of the film {name!r} is not in {listing.parent}.")
    return path


# --- The real sample films, which are downloaded ---

BACKOFF = 0.5  # seconds before the second attempt at a film: somebody is waiting
LISTING = "list.csv"  # lists the requested films, next to the manifest of those downloaded
_lock = threading.Lock()  # of two simultaneous requests, the second waits and then has nothing to download


@dataclass(frozen=True)
class Marker:
    """Something drawn or printed on a film, such as an arrow or a letter.

    Attributes:
        label: what it is, in two or three words.
        box: left, top, right and bottom, as fractions of the film.
    """

    label: str
    box: tuple[float, float, float, float]


@dataclass(frozen=True)
class RealFilm:
    """A real sample film.

    Attributes:
        id: as in assets/dataset.csv, which has its other facts.
        url: the single file at its source.
        sha256: of the film as a data folder has it.
        source: a key of config.SOURCE_TITLES.
        credit: where it was published.
        license: as its source states it.
        split: one that no network was trained on.
        covid: the ground truth, 0 or 1.
        shows: a sentence about it.
        markers: what is drawn or printed on it.
    """

    id: str
    url: str
    sha256: str
    source: str
    credit: str
    license: str
    split: str
    covid: int
    shows: str
    markers: tuple[Marker, ...] = ()


def real_films(listing: Path | None = None) -> dict[str, RealFilm]:
    """Load the list of real sample films, by id, in its order. Raises DataError if it is missing or damaged."""
    listing = config.REAL_FILMS_JSON if listing is None else listing
    try:
        entries = json.loads(listing.read_text(encoding="utf-8"))["films"]
        return {entry["id"]: _real_film(entry) for entry in entries}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{listing} could not be read as a list of X-rays: {type(error).__name__}: {error}") from error


def _real_film(entry: dict) -> RealFilm:
    markers = tuple(Marker(marker["label"], tuple(map(float, marker["box"]))) for marker in entry.get("markers", ()))
    return RealFilm(**{**entry, "markers": markers})


def download(
    ids: Collection[str],
    to: Path | None = None,
    patience: Patience | None = None,
    progress: bool = False,
    sources: Collection[str] | None = None,
) -> DownloadReport:
    """Download the films `ids` into the data folder `to`, without those that are already there.

    Args:
        ids: of films in assets/dataset.csv.
        to: defaults to config.REAL_FILMS.
        patience: timeouts; by default those for a user who waits.
        progress: show a bar on standard error, if that is a terminal.
        sources: download from these only; from all by default.

    Raises:
        DownloadError: the committed list cannot be read.
        OSError: the folder cannot be written.
    """
    from covid_model.data import download as data_download

    to = config.REAL_FILMS if to is None else to
    patience = patience or data_download.Patience(retries=1, backoff=BACKOFF, connect=5.0, read=10.0, film=40.0)
    with _lock:
        listed = {*ids, *_downloaded(to)}  # the manifest will list those of earlier calls too
        data_download.write_part(config.DATASET_CSV, listed, to / LISTING)
        return data_download.download(
            to, sources=sources, listing=to / LISTING, patience=patience, progress=progress, single=True
        )


def _downloaded(folder: Path) -> set[str]:
    """Return the ids of the films in the manifest of a data folder; none if it has none."""
    try:
        return set(dataset.read_list(folder / dataset.MANIFEST).index)
    except DataError:
        return set()


# --- A schematic chest X-ray, drawn in code: shown if no film is available. It is not an image of a person

SCHEMATIC_WIDTH, SCHEMATIC_HEIGHT = 448, 512  # pixels
GRAIN_SEED = 2021  # of the noise


def draw_schematic() -> np.ndarray:
    """Draw a body with two lungs, ribs, spine, heart and diaphragm: (512, 448) uint8, bright where dense."""
    y, x = np.mgrid[0:SCHEMATIC_HEIGHT, 0:SCHEMATIC_WIDTH].astype(np.float32)
    # -1 to 1, from left to right and from top to bottom
    x, y = 2 * x / SCHEMATIC_WIDTH - 1, 2 * y / SCHEMATIC_HEIGHT - 1
    shoulders = np.clip(1.5 + 1.2 * y, 0.25, 0.92)  # half the body's width
    film = 165 * _inside(shoulders - np.abs(x), 0.05)
    lungs = np.zeros_like(film)
    for side in (-1, 1):
        across = (x - side * 0.42) / (0.3 - 0.05 * np.clip(-y, 0, 1))
        down = (y + 0.05) / 0.66
        lungs = np.maximum(lungs, _inside(1 - across**2 - down**2, 0.25))
    lungs *= _inside(0.5 - 0.12 * np.cos(3 * x) - y, 0.05)  # the diaphragm limits them below
    film -= 120 * lungs
    ribs = np.sin(16 * (y + 0.45 * x**2)) > 0.72
    film += 22 * lungs * ribs
    film += 45 * np.exp(-((x / 0.09) ** 2))  # spine
    heart = 1 - ((x - 0.14) / 0.34) ** 2 - ((y - 0.3) / 0.3) ** 2
    film += 75 * lungs * _inside(heart, 0.2)
    film += np.random.default_rng(GRAIN_SEED).normal(0, 3, film.shape)
    return np.clip(film, 0, 255).astype(np.uint8)


def _inside(distance: np.ndarray, soft: float) -> np.ndarray:
    """Return 1 where `distance` is positive and 0 where negative, with a `soft` edge."""
    return np.clip(0.5 + distance / (2 * soft), 0, 1)
