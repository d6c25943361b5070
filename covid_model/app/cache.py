"""Tables and file names that all sessions share, read again when their files change."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pandas as pd
import streamlit as st

from covid_model import config, evaluation, imaging
from covid_model.app import file_cache, films, networks, session
from covid_model.app.films import ImageSource
from covid_model.app.text import browse as browse_text
from covid_model.config import SPLIT_LABELS
from covid_model.data import dataset as datasets
from covid_model.data import open_films
from covid_model.data import samples as samples_room
from covid_model.evaluation import scored_split
from covid_model.imaging import FilmError, heatmap
from covid_model.imaging import thumbnail as thumbnails
from covid_model.model import network_spec, registry
from covid_model.reports import model_card as card_room
from covid_model.training import playground
from covid_model.training.playground.features import FEATURES, Store

if TYPE_CHECKING:
    from covid_model.evaluation import Estimate
    from covid_model.evaluation.subgroups import Change, Group
    from covid_model.model.network_spec import NetworkSpec


CARDS_KEPT = 480  # gallery pictures kept in memory for all sessions, about 20 KB each
HEATMAP_CARDS_KEPT = 48  # the same with their heatmaps, for one session
THUMBNAIL_SIDE = 240  # pixels


def _scores_and_list(*_: object) -> tuple[Path, Path]:
    return config.SCORES_CSV, config.DATASET_CSV


@file_cache.by_files(_scores_and_list, st.cache_resource, 2)
def scores() -> pd.DataFrame | None:
    """Return assets/results/scores.csv, one row a labeled film and network, for looking only: all sessions share it.

    Split, source and truth are those of the list of films where there is one (`dataset.read_scores`). None where the
    table is not there or not as it must be.
    """
    try:
        films = films_table()
    except datasets.DataError:
        films = None
    try:
        return datasets.labeled(datasets.read_scores(config.SCORES_CSV, films))
    except (OSError, ValueError):
        return None


@file_cache.by_files(lambda: [config.SEEDS_JSON], st.cache_data, 2)
def seed_runs() -> list[dict] | None:
    """The repeated runs of the paper's recipe; None where they were not kept."""
    try:
        return json.loads(config.SEEDS_JSON.read_text())["runs"]
    except (OSError, ValueError, KeyError):
        return None


def _card_files(name: str) -> list[Path]:
    files = [config.SCORES_CSV, config.DATASET_CSV]
    files += [config.LEFT_OUT_JSON, config.WITHIN_JSON, config.PUT_ASIDE_JSON]
    files += [config.NETWORKS / file for file in (f"{name}.json", card_room.PROSE)]
    files += [config.AUDIT / f"{name}-{experiment}.json" for experiment in config.AUDIT_EXPERIMENTS]
    return files


@file_cache.by_files(_card_files, st.cache_data, 2 * networks.MOST_NETWORKS)
def model_card(name: str) -> card_room.Card:
    """A network's model card. Raises NetworkError, CardError, and ValueError where the scores are damaged."""
    return card_room.read(name)


def test_scores(name: str) -> pd.DataFrame | None:
    """The test films' rows of `scores` for one network, indexed by film id; None where there are none."""
    table = scores()
    if table is None:
        return None
    rows = table[(table["split"] == "test") & (table["network"] == name)]
    return None if rows.empty else rows.set_index("id")


def scored(name: str, split: str) -> scored_split.ScoredSplit | None:
    """One network's films of a split with all that no threshold moves, for looking only; None where none is scored.

    Raises ValueError where a score is no number in [0, 1], which is not kept.
    """
    if scores() is None:
        return None
    return _scored(name, registry.title(name), split)


@file_cache.by_files(_scores_and_list, st.cache_resource, len(config.SPLITS) * networks.MOST_NETWORKS)
def _scored(name: str, title: str, split: str) -> scored_split.ScoredSplit | None:
    table = scores()
    rows = table[(table["split"] == split) & (table["network"] == name)].set_index("id")
    return None if rows.empty else scored_split.score_split(name, title, _with_patients(rows))


@file_cache.by_files(_scores_and_list, st.cache_resource, len(config.SPLITS) * networks.MOST_NETWORKS)
def reliability(name: str, split: str) -> list[evaluation.Bin]:
    """The bins of one network's scores of a split, with intervals; none where none is scored. Raises as `scored`."""
    found = scored(name, split)
    if found is None:
        return []
    return evaluation.reliability(found.films["score"], found.films["covid"], found.films.get("patient"))


@file_cache.by_files(_scores_and_list, st.cache_resource, networks.MOST_NETWORKS)
def parts(name: str) -> list[evaluation.Part]:
    """One network's films by split and source, tallied, for looking only. Raises ValueError as `scored` does."""
    table = scores()
    if table is None:
        return []
    return evaluation.parts(_with_patients(table[table["network"] == name].set_index("id")), list(SPLIT_LABELS))


def _with_patients(rows: pd.DataFrame) -> pd.DataFrame:
    """`rows` (by film id) with each film's `patient`, itself where the list does not know it; as is without a list."""
    try:
        known = films_table()["patient"].reindex(rows.index)
    except (datasets.DataError, KeyError):
        return rows
    return rows.assign(patient=known.fillna(rows.index.to_series()))


def held_out_scores(name: str) -> pd.DataFrame | None:
    """The rows of `scores` of films held out of the network's training, indexed by film id; None where there are none.

    None too for a network that was in the end trained on every film of its splits.
    """
    what, table = networks.spec(name), scores()
    if what is None or table is None or not what.holds_out:
        return None
    return _held_out_scores(what)


@file_cache.by_files(
    _scores_and_list, st.cache_resource, 2, hash_funcs={network_spec.NetworkSpec: lambda what: what.sha256}
)
def _held_out_scores(what: NetworkSpec) -> pd.DataFrame | None:
    try:
        held_out = datasets.validation_films(films_table(), *what.trained_on)
    except datasets.DataError:
        return None
    held_out = held_out.index[held_out]
    if len(held_out) != what.training["validation"]:  # another list of films than it was trained by
        return None
    rows = scores()
    rows = rows[(rows["network"] == what.name) & rows["id"].isin(held_out)]
    return None if rows.empty else rows.set_index("id")


@file_cache.by_files(lambda: [config.SEGMENTATION_JSON], st.cache_data, 2)
def segmentation() -> dict | None:
    """How well our lung masks match experts'; None where it was not measured."""
    from covid_model import records

    return records.load_segmentation(config.SEGMENTATION_JSON)


@file_cache.by_files(lambda: [config.DATASET_CSV], st.cache_resource, 2)
def films_table() -> pd.DataFrame:
    """The committed list of all films, indexed by id, for looking only. Raises DataError."""
    return datasets.committed()


@file_cache.by_files(_scores_and_list, st.cache_resource, 2 * networks.MOST_NETWORKS)
def gallery_table(name: str) -> pd.DataFrame | None:
    """One network's films and scores for the gallery, for looking only: all sessions share it. None without scores."""
    if scores() is None:
        return None
    try:
        films = films_table()
    except datasets.DataError:
        films = None
    return browse_text.table(scores(), name, films)


@st.cache_data(show_spinner=False, max_entries=CARDS_KEPT)
def card_picture(path: str) -> bytes | None:
    """A film of ours as a small JPEG for the gallery; None where it cannot be read. Never for an upload."""
    try:
        return thumbnails.encode_jpeg(thumbnails.fit_square(imaging.read(Path(path)).pixels))
    except FilmError:
        return None


def data_folder() -> Path | None:
    """The data folder that the environment names, or None."""
    return datasets.folder_from_environment()


def dataset() -> datasets.Dataset | None:
    """The data folder, checked; None where none is named. Raises DataError where it is not as it must be."""
    folder = data_folder()
    return _dataset(str(folder)) if folder else None


@file_cache.by_files(lambda folder: [Path(folder) / datasets.MANIFEST], st.cache_resource, 4)
def _dataset(folder: str) -> datasets.Dataset:
    return datasets.load(Path(folder))


def examples() -> list[films.Example]:
    """The films of the data folder to try; none where there is no folder. Raises DataError."""
    if dataset() is None:
        return []
    return _examples(str(data_folder()))


@file_cache.by_files(lambda folder: [Path(folder) / datasets.MANIFEST, config.SCORES_CSV], st.cache_data, 2)
def _examples(folder: str) -> list[films.Example]:
    return films.examples(dataset(), scores())


@file_cache.by_files(lambda: [config.FILMS_JSON], st.cache_data, 2)
def samples() -> dict[str, samples_room.Sample]:
    """The films that the project brings along, by id, in their own order."""
    return {sample.id: sample for sample in films.bundled_films()}


@file_cache.by_files(lambda: [config.DATASET_CSV], st.cache_data, 2)
def free_ids() -> list[str]:
    """The real films that anyone may have, by id, in the order in which they are offered; none without a list."""
    try:
        return list(open_films.select(films_table()).index)
    except datasets.DataError:
        return []


def fetched() -> datasets.Dataset | None:
    """The data folder of the films that were fetched on request; None where none was, or it is damaged."""
    try:
        return _dataset(str(config.REAL_FILMS)) if (config.REAL_FILMS / datasets.MANIFEST).is_file() else None
    except datasets.DataError:
        return None


def dataset_of(film: str) -> datasets.Dataset | None:
    """Where to look for this film: the folder of fetched films if it is there, else the environment's, None without.

    Raises DataError where the film was not fetched and the environment's folder is not as it must be.
    """
    brought = fetched()
    if brought is not None and film in brought.films.index:
        return brought
    return dataset()


def free_paths() -> dict[str, Path]:
    """Where the pictures of `free_ids` are, of those that are there: in the data folder, or fetched."""
    found = {}
    for film in free_ids():
        try:
            holder = dataset_of(film)
            path = holder.path(film) if holder else None
        except datasets.DataError:
            continue
        if path and path.is_file():
            found[film] = path
    return found


def free_examples() -> list[films.Example]:
    """The films of `free_paths`, to try."""
    return [films.Example(film, films.free_label(films_table().loc[film])) for film in free_paths()]


def film_ids() -> pd.Index:
    """The ids that a link may name: our own films', and the data folder's, else those of the committed list."""
    own = pd.Index([*samples(), *free_ids()], dtype=object)
    try:
        found = dataset()
        return own.append(films_table().index if found is None else found.films.index)
    except datasets.DataError:
        return own


@file_cache.by_files(lambda: [config.LAB / FEATURES, config.DATASET_CSV], st.cache_resource, 1)
def lab_store() -> Store:
    """The stored features, read and checked once per process. Raises PlaygroundError and DataError, which are not
    kept."""
    return playground.load(config.LAB)


# --- The evidence behind the score, for the page "Can you trust it?" ---------------------------------


def _record_files(name: str, experiment: str) -> list[Path]:
    from covid_model import records

    return [records.experiment_path(name, experiment, config.AUDIT), config.NETWORKS / f"{name}.json"]


@file_cache.by_files(_record_files, st.cache_data, 2 * len(config.AUDIT_EXPERIMENTS) * networks.MOST_NETWORKS)
def audit_record(name: str, experiment: str) -> dict | None:
    """The record of an experiment on the network `name`; None where it was not made, or was made on other weights."""
    from covid_model import records

    return records.load_experiment(name, experiment, config.AUDIT)


def unseen_scores(name: str) -> pd.DataFrame | None:
    """One network's rows of `scores` of films that no network was trained on, by id, and each film's `patient`.

    None where there are none. A film that the list does not know, or all without a list, is its own patient.
    """
    table = scores()
    if table is None:
        return None
    rows = table[(table["network"] == name) & ~table["split"].isin(config.TRAINING_SPLITS)]
    if rows.empty or not rows["score"].between(0, 1).all():
        return None
    found = _with_patients(rows.drop_duplicates("id").set_index("id"))
    return found if "patient" in found else found.assign(patient=found.index)


@file_cache.by_files(_scores_and_list, st.cache_data, 256)
def called_positive(name: str, threshold: float) -> dict[str, Group] | None:
    """What a network calls positive of each group of films (`trust.groups`), with intervals; None without scores."""
    from covid_model.evaluation import subgroups

    table = unseen_scores(name)
    return None if table is None else subgroups.measure(table, threshold)


@file_cache.by_files(_scores_and_list, st.cache_data, 2 * networks.MOST_NETWORKS)
def areas(name: str) -> dict[str, Estimate]:
    """The AUC of each group of films; nothing without scores."""
    from covid_model.evaluation import subgroups

    table = unseen_scores(name)
    return {} if table is None else {group: subgroups.auc(table, group) for group in subgroups.by_group(table)}


@file_cache.by_files(_scores_and_list, st.cache_data, 8)
def changes(before: str, after: str, threshold: float) -> list[Change]:
    """What the network `after` does better or worse than `before`; nothing where one of them has no scores."""
    from covid_model.evaluation import subgroups

    old, new = unseen_scores(before), unseen_scores(after)
    return [] if old is None or new is None else subgroups.compare(old, new, threshold)


@st.cache_data(scope="session", max_entries=HEATMAP_CARDS_KEPT, show_spinner=False)
def card_heatmap(path: str, name: str) -> tuple[bytes, float]:
    """Return a sample film under its heatmap as a small JPEG, and its score. Raises FilmError, NetworkError,
    PredictionError."""
    source = ImageSource(Path(path).name, Path(path))
    found = session.prediction(source, name)
    small = thumbnails.shrink(session.film(source).pixels, thumbnails.CARD_SIDE)
    return thumbnails.encode_jpeg(thumbnails.fit_square(heatmap.blend(small, found.heatmap, found.box))), found.score


def known_card(path: str, name: str) -> bool:
    """Whether this session has read this film of ours with this network before. Raises FilmError."""
    return session.known_prediction(ImageSource(Path(path).name, Path(path)), name)


@st.cache_data(scope="session", max_entries=32, show_spinner=False)
def thumbnail(path: str, side: int | None = None) -> np.ndarray | None:
    """The middle square of a film of ours, (side, side) uint8; None where it cannot be read."""
    side = THUMBNAIL_SIDE if side is None else side
    try:
        pixels = imaging.read(Path(path)).pixels
    except FilmError:
        return None
    short = min(pixels.shape)
    top, left = (pixels.shape[0] - short) // 2, (pixels.shape[1] - short) // 2
    return cv2.resize(pixels[top : top + short, left : left + short], (side, side), interpolation=cv2.INTER_AREA)
