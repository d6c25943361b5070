"""Load a data folder: its manifest, its splits, the paths of its films, and its lung masks.

A data folder contains `manifest.csv` (one row per film) and the images that it names. `assets/dataset.csv`, which is
committed, lists the same films without their pixels, so that pages can name them without a data folder.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pandas as pd

from covid_model import config

MANIFEST = "manifest.csv"
COLUMNS = ("id", "path", "split", "covid", "source", "finding", "patient")  # required in every manifest
TEXT_COLUMNS = {"id": str, "path": str, "patient": str, "finding": str, "view": str, "sex": str, "license": str}
TEXT_COLUMNS |= {"panel": str}
VALIDATION_PARTS = 8  # one film in eight is held out, whole patients at a time
UNLABELED_SPLITS = ("extra", "graded")  # may hold films without a known truth: their `covid` is empty
SCORE_COLUMNS = ("id", "split", "source", "covid", "network", "score")


class DataError(ValueError):
    """The data folder, its manifest or one of its films is missing or invalid. The message names it."""


@dataclass(frozen=True)
class Dataset:
    """A checked data folder.

    Attributes:
        folder: its path.
        films: one row per film, indexed by id; `covid` is 0, 1 or, if the film is unlabeled, NaN.
    """

    folder: Path
    films: pd.DataFrame

    def path(self, film_id: str) -> Path:
        """Return the path of the film `film_id`. Raises DataError if it is unknown or outside the folder."""
        if film_id not in self.films.index:
            raise DataError(f"The data folder {self.folder} has no X-ray {film_id!r}.")
        path = (self.folder / self.films.at[film_id, "path"]).resolve()
        if not path.is_relative_to(self.folder.resolve()):
            raise DataError(f"The manifest of {self.folder} places the X-ray {film_id!r} outside the folder.")
        return path

    def split(self, *names: str) -> pd.DataFrame:
        """Return the films of the splits `names`, in the manifest's order; `covid` is integer if all are labeled."""
        unknown = set(names) - set(config.SPLITS)
        if unknown:
            raise DataError(f"Splits must be among {', '.join(config.SPLITS)}. Received: {', '.join(sorted(unknown))}")
        part = self.films[self.films["split"].isin(names)]
        return labeled(part) if part["covid"].notna().all() else part

    def missing(self) -> list[str]:
        """Return the ids of films whose image is not in the folder."""
        return [film for film in self.films.index if not self.path(film).is_file()]


def folder_from_environment() -> Path | None:
    """Return the data folder set by COVID_MODEL_DATA, or None if it is not set."""
    value = os.environ.get(config.DATA_VARIABLE, "").strip()
    return Path(value) if value else None


def load(folder: Path | None = None) -> Dataset:
    """Load and check a data folder, by default the one set by COVID_MODEL_DATA.

    Raises:
        DataError: no folder is given or set, or its manifest is missing, lacks a column, repeats an id, or has an
            unknown split or label.
    """
    folder = folder or folder_from_environment()
    if folder is None:
        raise DataError(f"No data folder is set: pass --data DIR or set {config.DATA_VARIABLE}.")
    if not folder.is_dir():
        raise DataError(f"The data folder {folder} does not exist.")
    manifest = folder / MANIFEST
    if not manifest.is_file():
        raise DataError(
            f"The data folder {folder} has no {MANIFEST}. Build it with `python -m covid_model fetch --to {folder}`."
        )
    return Dataset(folder, read_list(manifest))


def committed() -> pd.DataFrame:
    """Load the committed list of films (assets/dataset.csv), one row per film, indexed by id. Raises DataError."""
    if not config.DATASET_CSV.is_file():
        raise DataError(f"The list of X-rays {config.DATASET_CSV} is missing: this copy of the project is incomplete.")
    return read_list(config.DATASET_CSV)


def read_list(path: Path) -> pd.DataFrame:
    """Load and check a list of films with a manifest's columns. Raises DataError as `load` does."""
    try:
        films = pd.read_csv(path, dtype=TEXT_COLUMNS)
    except (OSError, ValueError) as error:
        raise DataError(f"{path} could not be read as a table: {error}") from error
    missing = [column for column in COLUMNS if column not in films.columns]
    if missing:
        raise DataError(f"{path} lacks the columns {', '.join(missing)}. Received: {', '.join(films.columns)}")
    if films["id"].duplicated().any():
        raise DataError(f"{path} lists the X-ray {films.loc[films['id'].duplicated(), 'id'].iloc[0]!r} twice.")
    wrong_split = set(films["split"]) - set(config.SPLITS)
    if wrong_split:
        raise DataError(
            f"{path}: splits must be among {', '.join(config.SPLITS)}. Received: {', '.join(map(str, wrong_split))}"
        )
    if not films["covid"].isin((0, 1)).where(films["covid"].notna(), True).all():
        raise DataError(f"{path}: covid must be 0, 1 or empty on every row.")
    unlabeled = films[films["covid"].isna() & ~films["split"].isin(UNLABELED_SPLITS)]
    if len(unlabeled):
        name, split = unlabeled.iloc[0][["id", "split"]]
        allowed = " and ".join(UNLABELED_SPLITS)
        raise DataError(f"{path}: only {allowed} may contain X-rays without covid. Received: {name!r} in {split}")
    return films.set_index("id", drop=True)


def labeled(films: pd.DataFrame) -> pd.DataFrame:
    """Return the films with a known ground truth, with `covid` as integers (0 or 1).

    The others, which their panel read as indeterminate or atypical, count in no accuracy and no COVID loss.
    """
    return films[films["covid"].notna()].astype({"covid": int})


def may_train(films: pd.DataFrame, *splits: str) -> pd.Series:
    """Return which films of `splits` a network may be trained on: none of their patients is in a reported split.

    Unlabeled films (`covid` NaN) are included: they may answer another question, such as "anything abnormal?".
    """
    patients = films["patient"].astype(object)  # Arrow's strings take twenty times as long for isin
    reported = patients[~films["split"].isin(config.TRAINING_SPLITS)]
    return films["split"].isin(splits) & ~patients.isin(reported)


def training_films(films: pd.DataFrame, *splits: str) -> pd.DataFrame:
    """Return the films of `splits` that a network `may_train` on."""
    return films[may_train(films, *splits)]


def labeled_training_films(films: pd.DataFrame, *splits: str) -> pd.DataFrame:
    """Return the films of `training_films` with a known ground truth, with `covid` as integers."""
    return labeled(training_films(films, *splits))


def validation_films(films: pd.DataFrame, *splits: str) -> pd.Series:
    """Return which of `labeled_training_films` are held out for validation (True), by film id.

    All training films are split, then the unlabeled ones are left out. So a patient's labeled and unlabeled films
    are on the same side, and training with or without unlabeled films uses the same validation set.
    """
    table = training_films(films, *splits)
    return hold_out(table)[table["covid"].notna()]


def group_names(films: pd.DataFrame) -> pd.Series:
    """Return each film's group: source and ground truth ("cohen 1"), or the source alone if it is unlabeled."""
    truth = films["covid"].map({0: " 0", 1: " 1"}).fillna("")
    return films["source"] + truth


def hold_out(films: pd.DataFrame) -> pd.Series:
    """Hold out one part in VALIDATION_PARTS of `films` for validation, whole patients at a time.

    Each source's share of each class is kept as close as whole patients allow.

    Returns:
        A Series of bool by film id, True where a film is held out.
    """
    from sklearn.model_selection import StratifiedGroupKFold

    # The order of the names breaks ties, so it is part of the cut that the stored networks were trained with.
    strata = group_names(films).where(films["covid"].notna(), films["source"] + " unlabeled")
    folds = StratifiedGroupKFold(n_splits=VALIDATION_PARTS, shuffle=True, random_state=config.SEED)
    _, held = next(folds.split(films, strata, films["patient"]))
    mask = pd.Series(False, index=films.index)
    mask.iloc[held] = True
    return mask


def read_scores(path: Path, films: pd.DataFrame | None = None) -> pd.DataFrame:
    """Load a table of scores, one row per film and network, and join it to the list of films by id.

    Split, source and ground truth are taken from the list, even if they were different when the film was scored.

    Args:
        path: a CSV file with SCORE_COLUMNS.
        films: the list of films, indexed by id; if None, the file's own columns are used.

    Returns:
        The file's columns, without films that are not in the list, but with unlabeled films (`covid` NaN).

    Raises:
        OSError: the file cannot be read.
        ValueError: it is not a table with SCORE_COLUMNS.
    """
    table = pd.read_csv(path, dtype={"id": str, "split": str, "source": str, "network": str})
    missing = [column for column in SCORE_COLUMNS if column not in table.columns]
    if missing:
        raise ValueError(f"{path} lacks the columns {', '.join(missing)}. Received: {', '.join(table.columns)}.")
    if films is None:
        return table
    table = table[table["id"].isin(films.index)]
    listed = films.reindex(table["id"])
    return table.assign(**{column: listed[column].to_numpy() for column in ("split", "source", "covid")})


def weights_file(path: Path | None = None) -> str:
    """Return VGG-19's ImageNet weights: `path`, else COVID_MODEL_VGG19, else Keras' own download ("imagenet")."""
    value = str(path) if path else os.environ.get(config.VGG19_VARIABLE, "").strip()
    if value and not Path(value).is_file():
        raise DataError(f"The VGG-19 weights file {value} does not exist.")
    return value or config.VGG19_DOWNLOAD


# --- Lung masks ---


def with_mask(data: Dataset, *splits: str) -> pd.DataFrame:
    """Return the films of `splits` that have a lung mask."""
    table = data.split(*splits)
    return table[table["lung_mask"].notna()] if "lung_mask" in table else table.iloc[:0]


def read_mask(data: Dataset, film: str, shape: tuple[int, int]) -> np.ndarray:
    """Load the lung mask of `film`, scaled to the film's `shape` (height, width): bool, True in the lungs."""
    return read_mask_file(data.folder / data.films.at[film, "lung_mask"], shape)


def read_mask_file(path: Path, shape: tuple[int, int]) -> np.ndarray:
    """Load a mask, white in the lungs, scaled to `shape` (height, width): bool. Raises DataError if unreadable."""
    mask = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)  # 1 bit per pixel becomes 0 and 255
    if mask is None:
        raise DataError(f"The lung mask {path} is missing or damaged.")
    return cv2.resize(mask, shape[::-1], interpolation=cv2.INTER_AREA) > config.GRAY_LEVELS / 2
