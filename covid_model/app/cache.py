"""Everything the app keeps between reruns.

Kept for the whole process: networks, tables, names of files. Kept for one session and dropped with it
(`scope="session"`): whatever comes of a film. Nothing of a film that a visitor uploads outlives his session.
"""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import cv2
import numpy as np
import pandas as pd
import streamlit as st

from covid_model import dataset as datasets
from covid_model import evaluation, films, free_films, lab, log, network, overlay, registry, settings
from covid_model import model_card as card_room
from covid_model import samples as samples_room
from covid_model.app import card, gallery, ours, outcomes, turnstile
from covid_model.app.splits import SPLITS
from covid_model.films import Film, FilmError
from covid_model.lab.store import FEATURES, Store

if TYPE_CHECKING:
    from covid_model.anatomy import Walk
    from covid_model.app.trust.groups import Change
    from covid_model.charts.trust import Group
    from covid_model.desk import Desk, Tell
    from covid_model.evaluation import Estimate
    from covid_model.network import NetworkSpec
    from covid_model.reading import Reader, Reading

Answer = TypeVar("Answer")
ANSWERS = "what_if"  # in the session: what app/what_if was asked about the film in hand, and of it alone
MOST_NETWORKS = 6  # that are kept in memory, each with what belongs to it


def by_files(files: Callable[..., Iterable[Path]], keep: Callable, max_entries: int, **more: Any) -> Callable:
    """Return a decorator that keeps what a function gives until one of its files changes: no restart is needed then.

    Args:
        files: gives the files, from the arguments of the function; absent ones count as unchanged until they come.
        keep: st.cache_data (each caller gets a copy), or st.cache_resource (all sessions share it, for looking only).
        max_entries: answers kept at most.
        more: as `keep` takes it.

    An exception is not kept.
    """

    def decorate(work: Callable[..., Answer]) -> Callable[..., Answer]:
        def answer(stamps: tuple[tuple[str, float], ...], *arguments: Any) -> Answer:
            return work(*arguments)

        answer.__module__, answer.__qualname__ = (
            work.__module__,
            work.__qualname__,
        )  # Streamlit knows functions by these
        kept = keep(show_spinner=False, max_entries=max_entries, **more)(answer)

        @functools.wraps(work)
        def asked(*arguments: Any) -> Answer:
            return kept(tuple((str(path), _stamp(path)) for path in files(*arguments)), *arguments)

        return asked

    return decorate


def _stamp(path: Path) -> float:
    """When a file was last changed, 0 where there is none."""
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def _scores_and_list(*_: object) -> tuple[Path, Path]:
    return settings.SCORES_CSV, settings.DATASET_CSV


@st.cache_resource(show_spinner=False, max_entries=MOST_NETWORKS)
def reader(name: str) -> Reader:
    """The network `name`, loaded once per process and shared by all sessions. Raises NetworkError."""
    from covid_model import memory
    from covid_model.reading import Reader

    found = Reader(name)
    memory.give_back()
    memory.rest()
    return found


@st.cache_resource(show_spinner=False)
def desk() -> Desk:
    """The queue before the networks, one for the process: whoever wants a network asks here."""
    from covid_model.desk import Desk

    return Desk(lambda name: reader(name))


def ask(name: str, work: Callable[[Reader], Answer]) -> Answer:
    """What `work` makes of the network `name` in its turn; not kept. Raises Busy, NetworkError, what `work` raises.

    It is done in the desk's thread, where the caches of a session are out of reach.
    """
    with turnstile.aside(), log.reading(name):
        return desk().call(name, work)


def read(name: str, decoded: Film, tell: Tell | None = None) -> Reading:
    """A film's reading when its turn comes; not kept. Raises Busy, NetworkError, ReadingError; `tell` as in `reading`.

    Every reading of the app comes by here or by `ask`, and so has its line in the log.
    """
    with turnstile.aside(), log.reading(name):
        return desk().read(name, decoded, tell)


def spec(name: str) -> NetworkSpec | None:
    """What the network is, or None where its file is missing or damaged."""
    try:
        return _spec(name)
    except network.NetworkError:
        return None


@by_files(lambda name: [settings.NETWORKS / f"{name}.json"], st.cache_data, 8)
def _spec(name: str) -> NetworkSpec:
    return network.spec(name, settings.NETWORKS)


@by_files(_scores_and_list, st.cache_resource, 2)
def scores() -> pd.DataFrame | None:
    """Return assets/results/scores.csv, one row a labelled film and network, for looking only: all sessions share it.

    Split, source and truth are those of the list of films where there is one (`dataset.read_scores`). None where the
    table is not there or not as it must be.
    """
    try:
        films = films_table()
    except datasets.DataError:
        films = None
    try:
        return datasets.labelled(datasets.read_scores(settings.SCORES_CSV, films))
    except (OSError, ValueError):
        return None


@by_files(lambda: [settings.SEEDS_JSON], st.cache_data, 2)
def seed_runs() -> list[dict] | None:
    """The repeated runs of the paper's recipe; None where they were not kept."""
    try:
        return json.loads(settings.SEEDS_JSON.read_text())["runs"]
    except (OSError, ValueError, KeyError):
        return None


def _card_files(name: str) -> list[Path]:
    files = [settings.SCORES_CSV, settings.DATASET_CSV]
    files += [settings.LEFT_OUT_JSON, settings.WITHIN_JSON, settings.PUT_ASIDE_JSON]
    files += [settings.NETWORKS / file for file in (f"{name}.json", card_room.PROSE)]
    files += [settings.AUDIT / f"{name}-{experiment}.json" for experiment in settings.AUDIT_EXPERIMENTS]
    return files


@by_files(_card_files, st.cache_data, 2 * MOST_NETWORKS)
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


def scored(name: str, split: str) -> outcomes.Scored | None:
    """One network's films of a split with all that no threshold moves, for looking only; None where none is scored.

    Raises ValueError where a score is no number in [0, 1], which is not kept.
    """
    if scores() is None:
        return None
    return _scored(name, registry.title(name), split)


@by_files(_scores_and_list, st.cache_resource, len(settings.SPLITS) * MOST_NETWORKS)
def _scored(name: str, title: str, split: str) -> outcomes.Scored | None:
    table = scores()
    rows = table[(table["split"] == split) & (table["network"] == name)].set_index("id")
    return None if rows.empty else outcomes.scored(name, title, _with_patients(rows))


@by_files(_scores_and_list, st.cache_resource, len(settings.SPLITS) * MOST_NETWORKS)
def reliability(name: str, split: str) -> list[evaluation.Bin]:
    """The bins of one network's scores of a split, with intervals; none where none is scored. Raises as `scored`."""
    found = scored(name, split)
    if found is None:
        return []
    return evaluation.reliability(found.films["score"], found.films["covid"], found.films.get("patient"))


@by_files(_scores_and_list, st.cache_resource, MOST_NETWORKS)
def parts(name: str) -> list[evaluation.Part]:
    """One network's films by split and source, tallied, for looking only. Raises ValueError as `scored` does."""
    table = scores()
    if table is None:
        return []
    return evaluation.parts(_with_patients(table[table["network"] == name].set_index("id")), list(SPLITS))


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
    what, table = spec(name), scores()
    if what is None or table is None or not what.holds_out:
        return None
    return _held_out_scores(what)


@by_files(_scores_and_list, st.cache_resource, 2, hash_funcs={network.NetworkSpec: lambda what: what.sha256})
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


@by_files(lambda: [settings.SEGMENTATION_JSON], st.cache_data, 2)
def segmentation() -> dict | None:
    """How well our lung masks match experts'; None where it was not measured."""
    from covid_model.audit import segmentation

    return segmentation.load(settings.SEGMENTATION_JSON)


@by_files(lambda: [settings.DATASET_CSV], st.cache_resource, 2)
def films_table() -> pd.DataFrame:
    """The committed list of all films, indexed by id, for looking only. Raises DataError."""
    return datasets.committed()


@by_files(_scores_and_list, st.cache_resource, 2 * MOST_NETWORKS)
def gallery_table(name: str) -> pd.DataFrame | None:
    """One network's films and scores for the gallery, for looking only: all sessions share it. None without scores."""
    if scores() is None:
        return None
    try:
        films = films_table()
    except datasets.DataError:
        films = None
    return gallery.table(scores(), name, films)


@st.cache_data(show_spinner=False, max_entries=settings.CARDS_KEPT)
def card_picture(path: str) -> bytes | None:
    """A film of ours as a small JPEG for the gallery; None where it cannot be read. Never for an upload."""
    try:
        return card.jpeg(card.fitted(films.read(Path(path)).pixels))
    except FilmError:
        return None


def data_folder() -> Path | None:
    """The data folder that the environment names, or None."""
    return datasets.folder_from_environment()


def dataset() -> datasets.Dataset | None:
    """The data folder, checked; None where none is named. Raises DataError where it is not as it must be."""
    folder = data_folder()
    return _dataset(str(folder)) if folder else None


@by_files(lambda folder: [Path(folder) / datasets.MANIFEST], st.cache_resource, 4)
def _dataset(folder: str) -> datasets.Dataset:
    return datasets.load(Path(folder))


def examples() -> list[ours.Example]:
    """The films of the data folder to try; none where there is no folder. Raises DataError."""
    if dataset() is None:
        return []
    return _examples(str(data_folder()))


@by_files(lambda folder: [Path(folder) / datasets.MANIFEST, settings.SCORES_CSV], st.cache_data, 2)
def _examples(folder: str) -> list[ours.Example]:
    return ours.examples(dataset(), scores())


@by_files(lambda: [settings.FILMS_JSON], st.cache_data, 2)
def samples() -> dict[str, samples_room.Sample]:
    """The films that the project brings along, by id, in their own order."""
    return {sample.id: sample for sample in ours.samples()}


@by_files(lambda: [settings.DATASET_CSV], st.cache_data, 2)
def free_ids() -> list[str]:
    """The real films that anyone may have, by id, in the order in which they are offered; none without a list."""
    try:
        return list(free_films.handful(films_table()).index)
    except datasets.DataError:
        return []


def fetched() -> datasets.Dataset | None:
    """The data folder of the films that were fetched on request; None where none was, or it is damaged."""
    try:
        return _dataset(str(settings.FREE_FILMS)) if (settings.FREE_FILMS / datasets.MANIFEST).is_file() else None
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


def free_examples() -> list[ours.Example]:
    """The films of `free_paths`, to try."""
    return [ours.Example(film, ours.free_label(films_table().loc[film])) for film in free_paths()]


def film_ids() -> pd.Index:
    """The ids that a link may name: our own films', and the data folder's, else those of the committed list."""
    own = pd.Index([*samples(), *free_ids()], dtype=object)
    try:
        found = dataset()
        return own.append(films_table().index if found is None else found.films.index)
    except datasets.DataError:
        return own


@by_files(lambda: [settings.LAB / FEATURES, settings.DATASET_CSV], st.cache_resource, 1)
def lab_store() -> Store:
    """The stored features, read and checked once per process. Raises LabError and DataError, which are not kept."""
    return lab.load(settings.LAB)


# --- The evidence behind the score, for the page "Can you trust it?" ---------------------------------


def _record_files(name: str, experiment: str) -> list[Path]:
    from covid_model import audit

    return [audit.path_of(name, experiment, settings.AUDIT), settings.NETWORKS / f"{name}.json"]


@by_files(_record_files, st.cache_data, 2 * len(settings.AUDIT_EXPERIMENTS) * MOST_NETWORKS)
def audit_record(name: str, experiment: str) -> dict | None:
    """The record of an experiment on the network `name`; None where it was not made, or was made on other weights."""
    from covid_model import audit

    return audit.load(name, experiment, settings.AUDIT)


def unseen_scores(name: str) -> pd.DataFrame | None:
    """One network's rows of `scores` of films that no network was trained on, by id, and each film's `patient`.

    None where there are none. A film that the list does not know, or all without a list, is its own patient.
    """
    table = scores()
    if table is None:
        return None
    rows = table[(table["network"] == name) & ~table["split"].isin(settings.TRAINING_SPLITS)]
    if rows.empty or not rows["score"].between(0, 1).all():
        return None
    found = _with_patients(rows.drop_duplicates("id").set_index("id"))
    return found if "patient" in found else found.assign(patient=found.index)


@by_files(_scores_and_list, st.cache_data, 256)
def called_positive(name: str, threshold: float) -> dict[str, Group] | None:
    """What a network calls positive of each group of films (`trust.groups`), with intervals; None without scores."""
    from covid_model.app.trust import groups

    table = unseen_scores(name)
    return None if table is None else groups.measure(table, threshold)


@by_files(_scores_and_list, st.cache_data, 2 * MOST_NETWORKS)
def areas(name: str) -> dict[str, Estimate]:
    """The AUC of each group of films; nothing without scores."""
    from covid_model.app.trust import groups

    table = unseen_scores(name)
    return {} if table is None else {group: groups.auc(table, group) for group in groups.cut(table)}


@by_files(_scores_and_list, st.cache_data, 8)
def changes(before: str, after: str, threshold: float) -> list[Change]:
    """What the network `after` does better or worse than `before`; nothing where one of them has no scores."""
    from covid_model.app.trust import groups

    old, new = unseen_scores(before), unseen_scores(after)
    return [] if old is None or new is None else groups.compare(old, new, threshold)


# --- Of one session: films and what came of them ---------------------------------------------------


def digest(data: bytes) -> str:
    """What a film's bytes are known by within the session."""
    return hashlib.sha256(data).hexdigest()


def film(data: bytes) -> Film:
    """Decode a film. Raises FilmError, the same one again for the same bytes."""
    found = _film(digest(data), data)
    if isinstance(found, str):
        raise FilmError(found)
    return found


@st.cache_data(scope="session", max_entries=2, show_spinner=False)
def _film(key: str, _data: bytes) -> Film | str:
    try:
        with log.decoding():
            return films.decode(_data)
    except FilmError as error:
        return str(error)


def known_reading(data: bytes, name: str) -> bool:
    """Whether this session has read these bytes with this network before."""
    return (digest(data), name) in st.session_state.get("read", ())


def reading(data: bytes, name: str, tell: Tell | None = None) -> Reading:
    """Score and heatmap of a film; the network runs only where this session has not read it before.

    `tell` is called with the film's place in the queue while it waits, and may draw it.

    Raises FilmError, ReadingError; Busy and NetworkError, which are not kept: who asks again has another try.
    """
    from covid_model.reading import ReadingError

    key = digest(data)
    asked = None if tell is None or known_reading(data, name) else _ask(data, name, tell)  # draws: not in a cache
    found = _reading(key, name, data, asked)
    st.session_state.setdefault("read", set()).add((key, name))
    if isinstance(found, tuple):
        kind, sentence = found
        raise FilmError(sentence) if kind == "film" else ReadingError(sentence)
    return found


@st.cache_data(scope="session", max_entries=256, show_spinner=False)
def _reading(
    key: str, name: str, _data: bytes, _asked: Reading | tuple[str, str] | None = None
) -> Reading | tuple[str, str]:
    return _ask(_data, name) if _asked is None else _asked


def _ask(data: bytes, name: str, tell: Tell | None = None) -> Reading | tuple[str, str]:
    """A film's reading, or the kind and the sentence of an error that will come again. Raises Busy, NetworkError."""
    from covid_model.desk import Busy
    from covid_model.reading import ReadingError

    try:
        return read(name, film(data), tell)
    except Busy:
        raise
    except FilmError as error:
        return "film", str(error)
    except ReadingError as error:
        return "reading", str(error)


def forget(data: bytes) -> None:
    """Drop all that this session keeps of a film."""
    key = digest(data)
    _film.clear(key, data)
    _preview.clear(key, None)
    if st.session_state.get(ANSWERS, {}).get("film") == key:
        del st.session_state[ANSWERS]
    for name in registry.names():
        for known in ("read", "walked"):
            st.session_state.get(known, set()).discard((key, name))
        _reading.clear(key, name, data)
        _walk.clear(key, name, data)


@st.cache_data(scope="session", max_entries=settings.CARDS_KEPT_HEATMAP, show_spinner=False)
def card_heatmap(path: str, name: str) -> tuple[bytes, float]:
    """A film of ours under its heatmap as a small JPEG, and its score. Raises FilmError, NetworkError, ReadingError."""
    data = read_bytes(path)
    found = reading(data, name)
    small = shrink(film(data).pixels, settings.CARD_SIDE)
    return card.jpeg(card.fitted(overlay.blend(small, found.heatmap, found.box))), found.score


def known_card(path: str, name: str) -> bool:
    """Whether this session has read this film of ours with this network before. Raises FilmError."""
    return known_reading(read_bytes(path), name)


def read_bytes(path: str) -> bytes:
    """A film of ours as it lies on disk. Raises FilmError."""
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise FilmError(f"The picture {Path(path).name} could not be read: {error.strerror}.") from error


def known_walk(data: bytes, name: str) -> bool:
    """Whether this session has carried these bytes through this network before."""
    return (digest(data), name) in st.session_state.get("walked", ())


def walk(data: bytes, name: str) -> Walk:
    """What every layer makes of a film; the network runs only where this session has not asked before.

    Raises FilmError, NetworkError, ReadingError (Busy among them); none of them is kept.
    """
    key = digest(data)
    found = _walk(key, name, data)
    st.session_state.setdefault("walked", set()).add((key, name))
    return found


@st.cache_data(scope="session", max_entries=6, show_spinner=False)
def _walk(key: str, name: str, _data: bytes) -> Walk:
    from covid_model import anatomy

    shown = film(_data)
    return ask(name, lambda reader: anatomy.walk(reader, shown))


def preview(data: bytes, pixels: np.ndarray) -> np.ndarray:
    """A film small enough for a page: (h, w) uint8, its longer side at most OVERLAY_SIDE pixels."""
    return _preview(digest(data), pixels)


@st.cache_data(scope="session", max_entries=2, show_spinner=False)
def _preview(key: str, _pixels: np.ndarray) -> np.ndarray:
    return shrink(_pixels, settings.OVERLAY_SIDE)


@st.cache_data(scope="session", max_entries=32, show_spinner=False)
def thumbnail(path: str, side: int | None = None) -> np.ndarray | None:
    """The middle square of a film of ours, (side, side) uint8; None where it cannot be read."""
    side = settings.THUMBNAIL_SIDE if side is None else side
    try:
        pixels = films.read(Path(path)).pixels
    except FilmError:
        return None
    short = min(pixels.shape)
    top, left = (pixels.shape[0] - short) // 2, (pixels.shape[1] - short) // 2
    return cv2.resize(pixels[top : top + short, left : left + short], (side, side), interpolation=cv2.INTER_AREA)


def shrink(pixels: np.ndarray, side: int) -> np.ndarray:
    """`pixels` (h, w), made smaller where a side is longer than `side`."""
    scale = side / max(pixels.shape)
    if scale >= 1:
        return pixels
    size = (max(1, round(pixels.shape[1] * scale)), max(1, round(pixels.shape[0] * scale)))
    return cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
