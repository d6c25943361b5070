"""Define the images that pages show: an upload, or an image of the catalog, and the examples to try. Draws nothing."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pandas as pd
from streamlit.typing import UploadedFile

from covid_model import config, imaging
from covid_model.app.text import prediction as prediction_text
from covid_model.data.dataset import DataError, Dataset
from covid_model.data.samples import Sample, SampleError
from covid_model.data.samples import samples as load_samples
from covid_model.imaging import FilmError

UPLOAD_TYPES = ("png", "jpg", "jpeg", "tif", "tiff", "dcm", "dicom")


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
        shows: a sentence about a film that comes with the project, "" for the others.
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


@dataclass(frozen=True)
class Example:
    """A film to try: its id, and a label of two or three words."""

    id: str
    label: str


def from_dataset(dataset: Dataset, film: str) -> CatalogImage:
    """Return the film of a data folder with this id. Raises DataError if its image is missing."""
    path, row = dataset.path(film), dataset.films.loc[film]
    if not path.is_file():
        raise DataError(f"The X-ray {film!r} is in the manifest, but its file {path} is missing.")
    finding = row["finding"] if isinstance(row["finding"], str) else ""
    covid = None if pd.isna(row["covid"]) else bool(row["covid"])
    return CatalogImage(film, path, finding, covid, row["split"], prediction_text.credit(row))


def from_sample(sample: Sample) -> CatalogImage:
    """Return a film that comes with the project."""
    covid = None if sample.covid is None or sample.simulated else bool(sample.covid)
    credit = prediction_text.plain(sample.credit)
    return CatalogImage(sample.id, sample.path, sample.title, covid, "", credit, sample.description, sample.simulated)


def free_label(row: pd.Series) -> str:
    """Return the label of an open-license film, from its row of the list of films."""
    return "COVID-19" if row["covid"] else "Without COVID-19"


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
    """Return the title without "Simulated:", which the heading above the films says."""
    _, colon, rest = sample.title.partition("Simulated: ")
    return rest[:1].upper() + rest[1:] if colon else sample.title


def bundled_films() -> list[Sample]:
    """Return the films that come with the project; an empty list if their list is missing or damaged."""
    try:
        return load_samples()
    except SampleError:
        return []


def examples(dataset: Dataset, scores: pd.DataFrame | None) -> list[Example]:
    """Return at most five test films of different kinds, chosen by their scores; the first of each kind without scores.

    Args:
        dataset: the data folder.
        scores: all networks' scores (columns id, network, score), or None.
    """
    test = dataset.split("test")
    table = pd.DataFrame(index=test.index)
    if scores is not None:
        table = scores[scores["id"].isin(test.index)].pivot_table(index="id", columns="network", values="score")
    kinds = [_covid_high, _covid_low, _adult, _child, _child_pneumonia]
    chosen: dict[str, Example] = {}  # by id: in a small folder one film may be the best of two kinds
    for kind in kinds:
        if example := kind(test, table.reindex(test.index)):
            chosen.setdefault(example.id, example)
    return [example for example in chosen.values() if dataset.path(example.id).is_file()]


# Each picks one film of `test`; `table` has the same rows, and a column of scores for each network.


def _covid_high(test: pd.DataFrame, table: pd.DataFrame) -> Example | None:
    """Return the COVID-19 film with the highest score by all networks."""
    lowest = table[test["covid"] == 1].min(axis=1).sort_values(ascending=False, kind="stable")
    film = _first(lowest)
    return Example(film, "COVID-19" if pd.isna(lowest[film]) else "COVID-19, high score") if film else None


def _covid_low(test: pd.DataFrame, table: pd.DataFrame) -> Example | None:
    """Return the COVID-19 film with the lowest score by all networks."""
    highest = table[test["covid"] == 1].max(axis=1).sort_values(kind="stable")
    film = _first(highest)
    if not film or pd.isna(highest[film]):
        return None
    return Example(film, "COVID-19, missed" if highest[film] <= config.THRESHOLD else "COVID-19, lowest score")


def _adult(test: pd.DataFrame, table: pd.DataFrame) -> Example | None:
    """Return the adult's film that the networks disagree on most."""
    adults = table[(test["covid"] == 0) & (test["source"] != config.CHILDREN)]
    film = _first((adults.max(axis=1) - adults.min(axis=1)).sort_values(ascending=False, kind="stable"))
    return Example(film, "Adult without COVID-19") if film else None


def _child(test: pd.DataFrame, table: pd.DataFrame) -> Example | None:
    healthy = test["finding"].fillna("").str.startswith("Normal")
    film = _middle(table[(test["source"] == config.CHILDREN) & healthy].mean(axis=1))
    return Example(film, "Child, nothing found") if film else None


def _child_pneumonia(test: pd.DataFrame, table: pd.DataFrame) -> Example | None:
    pneumonia = test["finding"].fillna("").str.startswith("Pneumonia")
    film = _middle(table[(test["source"] == config.CHILDREN) & pneumonia].mean(axis=1))
    return Example(film, "Child with pneumonia") if film else None


def _first(values: pd.Series) -> str | None:
    return None if values.empty else str(values.index[0])


def _middle(values: pd.Series) -> str | None:
    """Return the film with the median value."""
    return None if values.empty else str(values.sort_values(kind="stable").index[len(values) // 2])


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
                raise FilmError(f"The file {self.content.name} could not be read: {error.strerror}.") from error
        if not self.content.name.lower().endswith(tuple(f".{extension}" for extension in UPLOAD_TYPES)):
            raise FilmError(f"The file's extension must be one of {', '.join(UPLOAD_TYPES)}. Rename or export it.")
        imaging.check_bytes(self.content.size)
        return self.content.getvalue()
