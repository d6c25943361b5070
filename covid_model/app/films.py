"""A film to read, an upload or one of the catalog, and the catalog's films to try. No streamlit drawing in here."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from streamlit.typing import UploadedFile

from covid_model import config, imaging
from covid_model.app.text import prediction as prediction_text
from covid_model.data.dataset import DataError, Dataset
from covid_model.data.samples import Sample, SampleError
from covid_model.data.samples import samples as samples_of_ours
from covid_model.imaging import FilmError

UPLOAD_TYPES = ("png", "jpg", "jpeg", "tif", "tiff", "dcm", "dicom")

# --- Films of ours: one named in a link, and a handful to try. No streamlit in here ---


@dataclass(frozen=True)
class CatalogImage:
    """A film that a page can show without an upload.

    Attributes:
        id: as it stands in the address.
        path: of the picture.
        finding: as the source gives it, "" where it gives none.
        covid: whether the source lists it as COVID-19; None where nobody says (a simulated film, a doubtful reading).
        split: of the data set, "" for a film outside it.
        credit: source and licence, as Markdown.
        shows: one sentence on a film that we made or carry, "" for the others.
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
    """A film to try: its id, and what it is in two or three words."""

    id: str
    label: str


def from_dataset(dataset: Dataset, film: str) -> CatalogImage:
    """The film of a data folder with this id. Raises DataError where its picture is not there."""
    path, row = dataset.path(film), dataset.films.loc[film]
    if not path.is_file():
        raise DataError(f"The film {film!r} stands in the manifest, but its picture {path} is not there.")
    finding = row["finding"] if isinstance(row["finding"], str) else ""
    covid = None if pd.isna(row["covid"]) else bool(row["covid"])
    return CatalogImage(film, path, finding, covid, row["split"], prediction_text.credit(row))


def from_sample(sample: Sample) -> CatalogImage:
    """A film that the project brings along, simulated or free to carry."""
    covid = None if sample.covid is None or sample.simulated else bool(sample.covid)
    credit = prediction_text.plain(sample.credit)
    return CatalogImage(sample.id, sample.path, sample.title, covid, "", credit, sample.description, sample.simulated)


def free_label(row: pd.Series) -> str:
    """A real film that anyone may have, in two or three words. `row`: its row of the list of films."""
    return "COVID-19" if row["covid"] else "Without COVID-19"


def varied(samples: list[Sample], count: int) -> list[Sample]:
    """At most `count` of the films, one of each kind (the first word of an id) before a second of any."""
    seen: dict[str, int] = {}
    ranks = []
    for sample in samples:
        kind = sample.id.partition("-")[0]
        ranks.append(seen.setdefault(kind, 0))
        seen[kind] += 1
    order = sorted(range(len(samples)), key=lambda number: (ranks[number], number))
    return [samples[number] for number in sorted(order[:count])]


def short_title(sample: Sample) -> str:
    """The title less its "Simulated:", which stands above all of them."""
    _, colon, rest = sample.title.partition("Simulated: ")
    return rest[:1].upper() + rest[1:] if colon else sample.title


def bundled_films() -> list[Sample]:
    """The films that the project brings along; none where their list is missing or damaged."""
    try:
        return samples_of_ours()
    except SampleError:
        return []


def examples(dataset: Dataset, scores: pd.DataFrame | None) -> list[Example]:
    """At most five test films that tell the story, by their scores where there are any, else the first of each kind.

    Args:
        dataset: the data folder.
        scores: all networks' scores (columns id, network, score), or None.
    """
    test = dataset.split("test")
    table = pd.DataFrame(index=test.index)
    if scores is not None:
        table = scores[scores["id"].isin(test.index)].pivot_table(index="id", columns="network", values="score")
    kinds = [_covid_high, _covid_low, _adult, _child, _child_pneumonia]
    found: dict[str, Example] = {}  # by id: in a small folder one film may be the best of two kinds
    for kind in kinds:
        if one := kind(test, table.reindex(test.index)):
            found.setdefault(one.id, one)
    return [one for one in found.values() if dataset.path(one.id).is_file()]


# Each picks one film of `test`; `table` has the same rows, and a column of scores for each network.


def _covid_high(test: pd.DataFrame, table: pd.DataFrame) -> Example | None:
    """The film that every network is surest of."""
    lowest = table[test["covid"] == 1].min(axis=1).sort_values(ascending=False, kind="stable")
    film = _first(lowest)
    return Example(film, "COVID-19" if pd.isna(lowest[film]) else "COVID-19, high score") if film else None


def _covid_low(test: pd.DataFrame, table: pd.DataFrame) -> Example | None:
    """The film that every network is least sure of."""
    highest = table[test["covid"] == 1].max(axis=1).sort_values(kind="stable")
    film = _first(highest)
    if not film or pd.isna(highest[film]):
        return None
    return Example(film, "COVID-19, missed" if highest[film] <= config.THRESHOLD else "COVID-19, lowest score")


def _adult(test: pd.DataFrame, table: pd.DataFrame) -> Example | None:
    """The film that the networks differ about most."""
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
    """The film with the middle value."""
    return None if values.empty else str(values.sort_values(kind="stable").index[len(values) // 2])


@dataclass(frozen=True)
class ImageSource:
    """A film to read. `name` is fit to be shown as plain text; one of `upload` and `ours` is there."""

    name: str
    upload: UploadedFile | None = None
    ours: CatalogImage | None = None

    @classmethod
    def of_upload(cls, upload: UploadedFile) -> ImageSource:
        return cls(imaging.show_name(upload.name), upload=upload)

    @classmethod
    def of_ours(cls, ours: CatalogImage) -> ImageSource:
        return cls(ours.id, ours=ours)

    def data(self) -> bytes:
        """The file's bytes. Raises FilmError where it is too large, cannot be read or is named as no film is."""
        if self.upload is None:
            try:
                return self.ours.path.read_bytes()
            except OSError as error:
                raise FilmError(f"The picture of {self.name} could not be read: {error.strerror}.") from error
        if not self.upload.name.lower().endswith(tuple(f".{ending}" for ending in UPLOAD_TYPES)):
            raise FilmError(f"The name of a film's file must end in one of {', '.join(UPLOAD_TYPES)}.")
        if self.upload.size > config.MAX_BYTES:
            limit, came = config.MAX_BYTES / 2**20, self.upload.size / 2**20
            raise FilmError(f"A film's file may have at most {limit:.0f} MB; this one has {came:.1f} MB.")
        return self.upload.getvalue()
