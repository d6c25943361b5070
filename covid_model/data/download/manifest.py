"""Write and read the list of films (assets/dataset.csv): metadata without pixels, to rebuild the same data set."""

from __future__ import annotations

import os
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import pandas as pd

from covid_model import config
from covid_model.data.download.http import DownloadError, Failure

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
