"""List the real sample films, and download them: up to 24, each a single file at its source, without a login.

None of them is in the repository. `assets/real_films.json` lists them: films that no network was trained on,
one per patient, those under open licenses first. Their licenses require attribution, so pages show each one's credit.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from covid_model import config
from covid_model.data import dataset
from covid_model.data.dataset import DataError

if TYPE_CHECKING:
    from covid_model.data.download import DownloadReport, Patience

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


def load(listing: Path | None = None) -> dict[str, RealFilm]:
    """Load the list of real sample films, by id, in its order. Raises DataError if it is missing or damaged."""
    listing = config.REAL_FILMS_JSON if listing is None else listing
    try:
        entries = json.loads(listing.read_text(encoding="utf-8"))["films"]
        return {entry["id"]: _film(entry) for entry in entries}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{listing} could not be read as a list of X-rays: {type(error).__name__}: {error}") from error


def _film(entry: dict) -> RealFilm:
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
