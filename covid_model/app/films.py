"""Define the images that pages show: an upload, or an image of the catalog, and the examples to try. Draws nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from streamlit.typing import UploadedFile

from covid_model import imaging
from covid_model.app.text import prediction as prediction_text
from covid_model.data.dataset import DataError, Dataset
from covid_model.data.samples import RealFilm, Sample, SampleError
from covid_model.data.samples import samples as load_samples
from covid_model.imaging import FilmError, Refusal
from covid_model.model import gradcam
from covid_model.verdict import is_positive

if TYPE_CHECKING:
    from covid_model.model.readings import Readings

MARKER_SHARE, MARKER_RATIO = 0.05, 3.0  # least share of the heat on a marker, and over the marker's share of the area
DICOM_TYPES = ("dcm", "dicom")
UPLOAD_TYPES = ("png", "jpg", "jpeg", "tif", "tiff", *DICOM_TYPES)  # extensions of the files that are read


@dataclass(frozen=True)
class CatalogImage:
    """A film that can be shown without an upload.

    Attributes:
        id: its id, also in the URL.
        path: the image file.
        finding: as its source gives it, "" if it gives none.
        covid: the ground truth of its source; None if unknown (a simulated film, an indeterminate reading).
        split: of the data set, "" for a film outside it.
        credit: source and license, as Markdown.
        shows: a sentence about a sample film, "" for the others.
        simulated: whether it was rendered from a CT.
    """

    id: str
    path: Path
    finding: str
    covid: bool | None
    split: str
    credit: str
    shows: str = ""
    simulated: bool = False


def from_dataset(dataset: Dataset, film: str, shows: str = "") -> CatalogImage:
    """Return the film of a data folder with this id; `shows` describes it. Raises DataError if its image is missing."""
    path, row = dataset.path(film), dataset.films.loc[film]
    if not path.is_file():
        raise DataError(f"The X-ray {film!r} is in the manifest, but its file {path} is missing.")
    finding = row["finding"] if isinstance(row["finding"], str) else ""
    covid = None if pd.isna(row["covid"]) else bool(row["covid"])
    return CatalogImage(film, path, finding, covid, row["split"], prediction_text.credit(row), shows)


def from_sample(sample: Sample) -> CatalogImage:
    """Return a film that comes with the project."""
    covid = None if sample.covid is None or sample.simulated else bool(sample.covid)
    credit = prediction_text.plain(sample.credit)
    return CatalogImage(sample.id, sample.path, sample.title, covid, "", credit, sample.description, sample.simulated)


def varied(samples: list[Sample], count: int) -> list[Sample]:
    """Return at most `count` films, one of each kind (the first word of an id) before a second of any."""
    seen: dict[str, int] = {}
    ranks = []
    for sample in samples:
        kind = sample.id.partition("-")[0]
        ranks.append(seen.setdefault(kind, 0))
        seen[kind] += 1
    order = sorted(range(len(samples)), key=lambda number: (ranks[number], number))
    return [samples[number] for number in sorted(order[:count])]


def short_title(sample: Sample) -> str:
    """Return the title without "Simulated:" or "Real X-ray:", which is said above or below the film."""
    _, colon, rest = sample.title.partition(": ")
    return rest[:1].upper() + rest[1:] if colon else sample.title


def bundled_films() -> list[Sample]:
    """Return the films that come with the project; an empty list if their list is missing or damaged."""
    try:
        return load_samples()
    except SampleError:
        return []


# --- The real X-rays that are offered, by what a network does on them ---


class Kind(StrEnum):
    """What an example shows of a network."""

    DETECTED = "tp"
    NEGATIVE = "tn"
    MISSED = "fn"
    FALSE_ALARM = "fp"
    MARKER = "marker"  # a large part of the heat lies on an arrow or a letter


@dataclass(frozen=True)
class Example:
    """A real film to try.

    Attributes:
        film: its entry in the list of real films.
        kind: what it shows of the network.
        marker, share, area: for MARKER, what the heat lies on, and the shares of the heat and of the network's input
            that it holds, in [0, 1].
    """

    film: RealFilm
    kind: Kind
    marker: str = ""
    share: float = 0.0
    area: float = 0.0


def examples(
    films: Mapping[str, RealFilm], scores: pd.DataFrame, network: str, threshold: float, readings: Readings | None
) -> list[Example]:
    """Return at most one film of each kind, chosen by what the network does on them; the clearest case of each.

    A true negative that another network calls positive comes before one that all agree on. Films that are out of
    distribution for the network have no verdict and are left out.

    Args:
        films: real films by id.
        scores: a row per film id and a column per network.
        network: a column of `scores`; without it, there are no examples.
        threshold: in [0, 1].
        readings: the network's stored predictions, for the heatmaps; without them, there is no MARKER.
    """
    if network not in scores:
        return []
    outliers = set() if readings is None else {readings.ids[row] for row in np.flatnonzero(readings.ood_distances > 1)}
    known = scores.loc[[film for film in films if film in scores.index and film not in outliers]]
    known = known[known[network].notna()]
    marked = [] if readings is None else list(filter(None, (_on_marker(films[film], readings) for film in known.index)))
    chosen = {Kind.MARKER: max(marked, key=lambda example: example.share)} if marked else {}
    known = known.drop(index=[example.film.id for example in chosen.values()])
    truth = pd.Series({film: films[film].covid == 1 for film in known.index}, dtype=bool)
    positive, score = is_positive(known[network], threshold), known[network]
    disputed = is_positive(known.drop(columns=network), threshold).any(axis=1)
    order = {  # the first film of each is the example
        Kind.DETECTED: score[truth & positive].sort_values(ascending=False, kind="stable"),
        Kind.NEGATIVE: (score - disputed)[~truth & ~positive].sort_values(kind="stable"),
        Kind.MISSED: score[truth & ~positive].sort_values(kind="stable"),
        Kind.FALSE_ALARM: score[~truth & positive].sort_values(ascending=False, kind="stable"),
    }
    chosen |= {kind: Example(films[str(ranked.index[0])], kind) for kind, ranked in order.items() if len(ranked)}
    return [chosen[kind] for kind in Kind if kind in chosen]


def _on_marker(film: RealFilm, readings: Readings) -> Example | None:
    """Return the film as an example of heat on a marker; None if its markers have no large part of the heat."""
    heat, box = readings.heatmap(film.id), readings.spec.preprocessing.box
    if heat is None or not film.markers:
        return None
    shares = [(*gradcam.heat_share(heat, box, [marker.box]), marker.label) for marker in film.markers]
    share, area, label = max(shares)
    if share < MARKER_SHARE or share < MARKER_RATIO * area:
        return None
    return Example(film, Kind.MARKER, label, share, area)


@dataclass(frozen=True)
class ImageSource:
    """An image to read.

    Attributes:
        name: plain text, safe to show as such.
        content: an upload, a file or the bytes of an image file.
        catalog: what is known about the image if it is one of the catalog.
    """

    name: str
    content: UploadedFile | Path | bytes
    catalog: CatalogImage | None = None

    @classmethod
    def from_upload(cls, upload: UploadedFile) -> ImageSource:
        return cls(imaging.show_name(upload.name), upload)

    @classmethod
    def from_catalog(cls, image: CatalogImage) -> ImageSource:
        return cls(image.id, image.path, image)

    @cached_property
    def digest(self) -> str:
        """The SHA-256 of the file, by which a session knows it; computed once. Raises FilmError as `data`."""
        return hashlib.sha256(self.data()).hexdigest()

    def data(self) -> bytes:
        """Return the file's bytes. Raises FilmError if it is too large, unreadable or has a wrong extension."""
        if isinstance(self.content, bytes):
            return self.content
        if isinstance(self.content, Path):
            try:
                return self.content.read_bytes()
            except OSError as error:
                raise FilmError(
                    f"The file {self.content.name} could not be read: {error.strerror}.", Refusal.UNREADABLE
                ) from error
        if not self.content.name.lower().endswith(tuple(f".{extension}" for extension in UPLOAD_TYPES)):
            raise FilmError(
                f"The file's extension must be one of {', '.join(UPLOAD_TYPES)}. Rename or export it.",
                Refusal.EXTENSION,
            )
        imaging.check_bytes(self.content.size)
        return self.content.getvalue()
