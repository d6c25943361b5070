"""Cache tables, records and file paths for all sessions; they are loaded again when their files change."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pandas as pd
import streamlit as st

from covid_model import config, evaluation, imaging, records
from covid_model.app import films, networks, session
from covid_model.app.films import ImageSource
from covid_model.app.runtime import memory
from covid_model.app.text import browse as browse_text
from covid_model.config import SPLIT_LABELS
from covid_model.data import dataset as datasets
from covid_model.data import samples as samples_room
from covid_model.evaluation import subgroups, threshold_sweep
from covid_model.imaging import FilmError, heatmap
from covid_model.imaging import image as thumbnails
from covid_model.imaging.preprocessing import mean_gray
from covid_model.model import registry
from covid_model.model.similarity import FilmIndex, SimilarityError
from covid_model.reports import model_card as card_room
from covid_model.reports.model_card import sentences
from covid_model.training import playground
from covid_model.training.playground.features import FEATURES, Store

if TYPE_CHECKING:
    from covid_model.evaluation import Estimate
    from covid_model.evaluation.subgroups import Change, Group


CARDS_KEPT = 480  # gallery images in memory for all sessions, about 20 KB each
HEATMAP_CARDS_KEPT = 48  # the same with heatmaps, for one session
THUMBNAIL_SIDE = 240  # pixels


def _scores_and_list(*_: object) -> tuple[Path, Path]:
    return config.SCORES_CSV, config.DATASET_CSV


@memory.by_files(_scores_and_list, st.cache_resource, 2)
def scores() -> pd.DataFrame | None:
    """Load assets/results/scores.csv, one row per labeled film and network; None if it is missing or invalid.

    Split, source and ground truth are those of the list of films, if it can be read (`dataset.read_scores`). All
    sessions share the table, so do not change it.
    """
    try:
        films = films_table()
    except datasets.DataError:
        films = None
    try:
        return datasets.labeled(datasets.read_scores(config.SCORES_CSV, films))
    except (OSError, ValueError):
        return None


def _card_files(name: str) -> list[Path]:
    files = [config.SCORES_CSV, config.DATASET_CSV]
    files += [config.TRIALS_JSON, config.VALIDATION_TRIALS_JSON, config.WITHIN_JSON]
    files += [config.READINGS_NPZ, config.BENCHMARK_JSON]
    files += [config.NETWORKS / file for file in (f"{name}.json", sentences.PROSE)]
    files += [config.AUDIT / f"{name}-{experiment}.json" for experiment in config.AUDIT_EXPERIMENTS]
    return files


@memory.by_files(_card_files, st.cache_data, 2 * networks.MOST_NETWORKS)
def model_card(name: str) -> card_room.Card:
    """Return a network's model card. Raises NetworkError, CardError, and ValueError if the scores are damaged."""
    return card_room.read(name)


def test_scores(name: str) -> pd.DataFrame | None:
    """Return one network's rows of `scores` for the test set, indexed by film id; None where there are none."""
    return split_scores(name, "test")


def split_scores(name: str, split: str) -> pd.DataFrame | None:
    """Return one network's rows of `scores` for a split, indexed by film id; None where there are none."""
    table = scores()
    if table is None:
        return None
    rows = table[(table["split"] == split) & (table["network"] == name)]
    return None if rows.empty else rows.set_index("id")


def scored(name: str, split: str) -> threshold_sweep.ScoredSplit | None:
    """Return a network's scored films of a split; None if there are none. Shared by all sessions, so do not change it.

    Raises ValueError, which is not cached, if a score is not a number in [0, 1].
    """
    if scores() is None:
        return None
    return _scored(name, registry.title(name), registry.short_title(name), split)


def training_sources(name: str) -> list[str]:
    """Return the sources of the films that a network was trained on; none if that is not known."""
    spec = networks.spec(name)
    try:
        films = films_table()
    except datasets.DataError:
        return []
    return sorted(films.loc[films["split"].isin(spec.trained_on), "source"].unique()) if spec else []


@memory.by_files(_scores_and_list, st.cache_resource, len(config.SPLITS) * networks.MOST_NETWORKS)
def _scored(name: str, title: str, short_title: str, split: str) -> threshold_sweep.ScoredSplit | None:
    table = scores()
    rows = table[(table["split"] == split) & (table["network"] == name)].set_index("id")
    return None if rows.empty else threshold_sweep.score_split(name, title, _with_patients(rows), short_title)


@memory.by_files(_scores_and_list, st.cache_resource, len(config.SPLITS) * networks.MOST_NETWORKS)
def reliability(name: str, split: str) -> list[evaluation.Bin]:
    """Return the bins of the reliability diagram of a split; none without scores. Raises ValueError like `scored`."""
    part = scored(name, split)
    if part is None:
        return []
    return evaluation.reliability(part.films["score"], part.films["covid"], part.films.get("patient"))


@memory.by_files(_scores_and_list, st.cache_resource, networks.MOST_NETWORKS)
def parts(name: str) -> list[evaluation.Part]:
    """Return a network's counts by split and source. Raises ValueError like `scored`."""
    table = scores()
    if table is None:
        return []
    return evaluation.parts(_with_patients(table[table["network"] == name].set_index("id")), list(SPLIT_LABELS))


def _with_patients(rows: pd.DataFrame) -> pd.DataFrame:
    """Add each film's `patient` to `rows`, or its own id if it is not listed. Without a list, add nothing."""
    try:
        known = films_table()["patient"].reindex(rows.index)
    except (datasets.DataError, KeyError):
        return rows
    return rows.assign(patient=known.fillna(rows.index.to_series()))


@memory.by_files(lambda: [config.SEGMENTATION_JSON], st.cache_data, 2)
def segmentation() -> dict | None:
    """Load the comparison of computed lung masks with experts'; None if there is no valid record."""
    return records.load_segmentation(config.SEGMENTATION_JSON)


@memory.by_files(lambda: [config.DATASET_CSV], st.cache_resource, 2)
def films_table() -> pd.DataFrame:
    """Load the committed list of films, indexed by id; shared, so do not change it. Raises DataError."""
    return datasets.committed()


@memory.by_files(_scores_and_list, st.cache_resource, 2 * networks.MOST_NETWORKS)
def gallery_table(name: str) -> pd.DataFrame | None:
    """Return a network's films and scores for the gallery; None without scores. Shared, so do not change it."""
    if scores() is None:
        return None
    try:
        films = films_table()
    except datasets.DataError:
        films = None
    return browse_text.table(scores(), name, films)


@st.cache_data(show_spinner=False, max_entries=CARDS_KEPT)
def card_picture(path: str, side: int | None = None) -> bytes | None:
    """Return a sample film as a small JPEG for the gallery; None if it cannot be read. Never called with an upload.

    `side`: of the square, in pixels (default: a card's).
    """
    try:
        return thumbnails.encode_jpeg(thumbnails.fit_square(imaging.read(Path(path)).pixels, side))
    except FilmError:
        return None


def data_folder() -> Path | None:
    """Return the data folder set by COVID_MODEL_DATA, or None if it is not set."""
    return datasets.folder_from_environment()


def dataset() -> datasets.Dataset | None:
    """Load the data folder; None if none is set. Raises DataError if it is invalid."""
    folder = data_folder()
    return _dataset(str(folder)) if folder else None


@memory.by_files(lambda folder: [Path(folder) / datasets.MANIFEST], st.cache_resource, 4)
def _dataset(folder: str) -> datasets.Dataset:
    return datasets.load(Path(folder))


@memory.by_files(lambda: [config.FILMS_JSON], st.cache_data, 2)
def samples() -> dict[str, samples_room.Sample]:
    """Load the films in the repository, by id, in their order."""
    return {sample.id: sample for sample in films.bundled_films()}


@memory.by_files(lambda: [config.REAL_FILMS_JSON, config.DATASET_CSV], st.cache_resource, 2)
def real_films() -> dict[str, samples_room.RealFilm]:
    """Load the real sample films by id (shared: read only); none without their list or that of all films."""
    try:
        known = films_table().index
        return {film: entry for film, entry in samples_room.real_films().items() if film in known}
    except datasets.DataError:
        return {}


def fetched() -> datasets.Dataset | None:
    """Load the folder of downloaded films; None if there are none, or it is damaged."""
    try:
        return _dataset(str(config.REAL_FILMS)) if (config.REAL_FILMS / datasets.MANIFEST).is_file() else None
    except datasets.DataError:
        return None


def dataset_of(film: str) -> datasets.Dataset | None:
    """Return where to look for this film: the data folder that is set if the film is there, else the downloads.

    None without either. Raises DataError if the data folder is invalid and the film was not downloaded.
    """
    brought = fetched()
    downloaded = brought is not None and film in brought.films.index
    try:
        given = dataset()
        if given is not None and ((film in given.films.index and given.path(film).is_file()) or not downloaded):
            return given
    except datasets.DataError:
        if not downloaded:
            raise
    return brought if downloaded else None


def real_paths() -> dict[str, Path]:
    """Return the paths of the `real_films` that are in the data folder or downloaded, by id."""
    return paths(real_films())


def paths(ids: Iterable[str]) -> dict[str, Path]:
    """Return the paths of these films, of those that are in the data folder or downloaded, by id."""
    found = {}
    for film in ids:
        try:
            folder = dataset_of(film)
            path = folder.path(film) if folder else None
        except datasets.DataError:
            continue
        if path and path.is_file():
            found[film] = path
    return found


def examples(network: str, threshold: float) -> list[films.Example]:
    """Return the real films to try, of those that are there, chosen by what the network does on them."""
    return _examples(network, threshold, tuple(real_paths()))


def _score_files() -> list[Path]:
    stored = (path for name in registry.names() for path in networks.reading_files(name))
    return [*_scores_and_list(), config.REAL_FILMS_JSON, *stored]


@memory.by_files(_score_files, st.cache_resource, 2)
def real_scores() -> pd.DataFrame:
    """Return the scores of the real sample films: a row per film id, a column per network, NaN if there is none.

    They are those of the stored predictions, else of the table of scores. Shared, so do not change it.
    """
    names = list(registry.names())
    listed, table = list(real_films()), scores()
    rows = pd.DataFrame(index=listed, columns=names, dtype=float)
    for name in names:
        stored = networks.readings(name)
        if stored is not None and stored.ids:
            rows[name] = pd.Series(stored.scores(), dtype=float).reindex(listed)
        if table is not None:
            own = table[(table["network"] == name) & table["id"].isin(listed)].drop_duplicates("id").set_index("id")
            rows[name] = rows[name].fillna(own["score"])
    return rows


@memory.by_files(lambda *_: _score_files(), st.cache_resource, 8)
def _examples(network: str, threshold: float, there: tuple[str, ...]) -> list[films.Example]:
    known = {film: real_films()[film] for film in there}
    return films.examples(known, real_scores(), network, threshold, networks.readings(network))


def has_film(film: str) -> bool:
    """Return whether a link may name this film: one of our own, or of the data folder or else the committed list."""
    if film in samples() or film in real_films():
        return True
    try:
        folder = dataset()
        return film in (films_table() if folder is None else folder.films).index
    except datasets.DataError:
        return False


@memory.by_files(lambda: [config.LAB / FEATURES, config.DATASET_CSV], st.cache_resource, 1)
def lab_store() -> Store:
    """Load the stored features, once per process. Raises PlaygroundError and DataError, which are not cached."""
    return playground.load(config.LAB)


@memory.by_files(_scores_and_list, st.cache_resource, 1)
def adult_scores() -> pd.DataFrame | None:
    """Return the labeled adults' films that no network was trained on, by id; None without scores.

    Columns: source, covid, patient, and each network's score. Films without a score of every network are left out.
    """
    table = scores()
    if table is None:
        return None
    rows = table[~table["split"].isin(config.TRAINING_SPLITS) & table["source"].ne(config.CHILDREN)]
    wide = rows.pivot_table(index="id", columns="network", values="score").dropna()
    facts = _with_patients(rows.drop_duplicates("id").set_index("id")[["source", "covid"]].reindex(wide.index))
    return facts.assign(patient=facts.get("patient", facts.index.to_series())).join(wide)


def brightness_rule() -> dict | None:
    """Return the threshold on the mean gray, as `experiments.baselines` fitted it; None without a record of it."""
    rivals = (audit_record(name, "rivals") for name in registry.names())
    return next((record["mean_gray"] for record in rivals if record and "mean_gray" in record), None)


@st.cache_data(show_spinner=False, max_entries=CARDS_KEPT)
def gray_of(path: str) -> float | None:
    """Return a sample film's mean gray, 0 to 255; None if it cannot be read. Never called with an upload."""
    try:
        return mean_gray(imaging.read(Path(path)).pixels)
    except FilmError:
        return None


@memory.by_files(lambda: [config.DATASET_CSV], st.cache_resource, 1)
def training_films() -> pd.DataFrame:
    """Return the labeled training films, source and covid, by id. Raises DataError."""
    films = films_table()
    return datasets.labeled(films[films["split"].isin(config.TRAINING_SPLITS)])[["source", "covid"]]


# --- Similar films ---


@memory.by_files(lambda: [config.SIMILARITY_NPZ], st.cache_resource, 1)
def film_index() -> FilmIndex | None:
    """Load the index of similar films; None if it is missing or damaged. Shared, so do not change it."""
    try:
        return FilmIndex.load(config.SIMILARITY_NPZ)
    except SimilarityError:
        return None


@memory.by_files(lambda: [config.SIMILARITY_JSON], st.cache_data, 2)
def similarity_record() -> dict | None:
    """Load what the neighbors of a film share; None if there is no record."""
    return _json(config.SIMILARITY_JSON)


@memory.by_files(lambda *_: [*_scores_and_list(), config.SIMILARITY_NPZ], st.cache_resource, networks.MOST_NETWORKS)
def indexed_films(name: str) -> pd.DataFrame | None:
    """Return a network's rows of `gallery_table` that are in the index, with each film's `patient` and `age`."""
    table, index = gallery_table(name), film_index()
    if table is None or index is None:
        return None
    rows = _with_patients(table[table.index.isin(index.ids)])
    try:
        ages = films_table()["age"].reindex(rows.index)
    except (datasets.DataError, KeyError):
        ages = None
    return rows.assign(patient=rows.get("patient", rows.index.to_series()), age=ages)


# --- Records for the page "Can you trust it?" ---


def _record_files(name: str, experiment: str) -> list[Path]:
    return [records.experiment_path(name, experiment, config.AUDIT), config.NETWORKS / f"{name}.json"]


@memory.by_files(_record_files, st.cache_data, 2 * len(config.AUDIT_EXPERIMENTS) * networks.MOST_NETWORKS)
def audit_record(name: str, experiment: str) -> dict | None:
    """Load the record of an experiment on a network; None if there is none for these weights."""
    return records.load_experiment(name, experiment, config.AUDIT)


def unseen_scores(name: str) -> pd.DataFrame | None:
    """Return a network's scores of films that no network was trained on, by id, with each film's `patient`.

    None if there are none. A film that is not in the list counts as its own patient.
    """
    table = scores()
    if table is None:
        return None
    rows = table[(table["network"] == name) & ~table["split"].isin(config.TRAINING_SPLITS)]
    if rows.empty or not rows["score"].between(0, 1).all():
        return None
    rows = _with_patients(rows.drop_duplicates("id").set_index("id"))
    return rows if "patient" in rows else rows.assign(patient=rows.index)


@memory.by_files(lambda: [config.TRIALS_JSON], st.cache_data, 2)
def trials() -> dict | None:
    """Load the trials that check the fine-tuned recipe; None if there are none."""
    return _json(config.TRIALS_JSON)


@memory.by_files(lambda: [config.FIRST_EDITION_JSON], st.cache_data, 2)
def first_edition() -> dict | None:
    """Load the counts on the test set of the data's first edition; None if there are none."""
    return _json(config.FIRST_EDITION_JSON)


def _json(path: Path) -> dict | None:
    """Read a JSON file of assets/results; None if it is missing or damaged."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


@memory.by_files(_scores_and_list, st.cache_data, networks.MOST_NETWORKS)
def test_counts(name: str) -> dict[str, int] | None:
    """Return a network's counts on the test set at the default threshold, as in FIRST_EDITION_JSON; None without
    scores."""
    table = unseen_scores(name)
    if table is None or (test := table[table["split"] == "test"]).empty:
        return None
    positive, covid = test["score"] > config.THRESHOLD, test["covid"] == 1
    adults = ~covid & (test["source"] != config.CHILDREN)
    counts = {"films": len(test), "covid": covid.sum(), "correct": (positive == covid).sum()}
    counts |= {"covid_positive": (positive & covid).sum()}
    counts |= {"adults": adults.sum(), "adults_positive": (positive & adults).sum()}
    return {key: int(value) for key, value in counts.items()}


@memory.by_files(_scores_and_list, st.cache_data, 256)
def called_positive(name: str, threshold: float) -> dict[str, Group] | None:
    """Return the rates of positive verdicts for each group of films, with intervals; None without scores."""
    table = unseen_scores(name)
    return None if table is None else subgroups.measure(table, threshold)


@memory.by_files(_scores_and_list, st.cache_data, 2 * networks.MOST_NETWORKS)
def areas(name: str) -> dict[str, Estimate]:
    """Return the AUC of each group of films; empty without scores."""
    table = unseen_scores(name)
    return {} if table is None else {group: subgroups.auc(table, group) for group in subgroups.by_group(table)}


@memory.by_files(_scores_and_list, st.cache_data, 8)
def changes(before: str, after: str, threshold: float, split: str | None = None) -> list[Change]:
    """Compare the network `after` with `before` by group of films; empty if either has no scores.

    With `split`, only its films are compared, which takes less time.
    """
    old, new = unseen_scores(before), unseen_scores(after)
    if old is None or new is None:
        return []
    if split:
        old, new = (table[table["split"] == split] for table in (old, new))
    return subgroups.compare(old, new, threshold)


@st.cache_data(scope="session", max_entries=HEATMAP_CARDS_KEPT, show_spinner=False)
def card_heatmap(path: str, name: str) -> tuple[bytes, float]:
    """Return a sample film with its heatmap as a small JPEG, and its score.

    Raises FilmError, NetworkError, PredictionError.
    """
    source = ImageSource(Path(path).name, Path(path))
    prediction = session.prediction(source, name)
    small = thumbnails.shrink(session.film(source).pixels, thumbnails.CARD_SIDE)
    blended = heatmap.blend(small, prediction.heatmap, prediction.box)
    return thumbnails.encode_jpeg(thumbnails.fit_square(blended)), prediction.score


def known_card(path: str, name: str) -> bool:
    """Return whether this session already has the prediction of this network for this film. Raises FilmError."""
    return session.known_prediction(ImageSource(Path(path).name, Path(path)), name)


@st.cache_data(scope="session", max_entries=32, show_spinner=False)
def thumbnail(path: str) -> np.ndarray | None:
    """Return the central square of a sample film, (THUMBNAIL_SIDE, THUMBNAIL_SIDE) uint8; None if it cannot be read."""
    try:
        pixels = imaging.read(Path(path)).pixels
    except FilmError:
        return None
    short = min(pixels.shape)
    top, left = (pixels.shape[0] - short) // 2, (pixels.shape[1] - short) // 2
    square = pixels[top : top + short, left : left + short]
    return cv2.resize(square, (THUMBNAIL_SIDE, THUMBNAIL_SIDE), interpolation=cv2.INTER_AREA)
