"""Predict the sample films with every network, and store the predictions for the app (see `model.readings`)."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from covid_model import config, imaging
from covid_model.data import dataset, real_films, samples
from covid_model.data.dataset import DataError, Dataset
from covid_model.model import readings, registry
from covid_model.model.predictor import Predictor


@dataclass(frozen=True)
class Report:
    """What was stored: the number of films and of networks, the ids of films without a file, and the file's bytes."""

    films: int
    networks: int
    missing: tuple[str, ...]
    size: int


def run(
    data: Dataset | None = None, vgg19_for: Callable[[str], str | None] = lambda name: None, to: Path | None = None
) -> Report:
    """Predict the sample films in the repository, and the real ones in `data` or downloaded, with every network.

    Args:
        data: a data folder with the real films.
        vgg19_for: returns the source of VGG-19's ImageNet weights for a network, as in `vgg19.load`.
        to: defaults to config.READINGS_NPZ.

    Raises SampleError, DataError, FilmError, NetworkError, PredictionError.
    """
    to = config.READINGS_NPZ if to is None else to
    paths = {sample.id: sample.path for sample in samples.samples()}
    wanted = list(real_films.load())
    paths |= real_paths(wanted, data)
    films = {film: imaging.read(path) for film, path in paths.items()}
    stored = [(film, registry.sha256(paths[film]), decoded.pixels) for film, decoded in films.items()]
    predictions = {}
    for name in registry.names():
        predictor = Predictor(name, vgg19_for(name))
        made = [predictor.predict(film) for film in tqdm(films.values(), unit="film", desc=name, disable=None)]
        predictions[readings.key(predictor.spec)] = made
    readings.save(stored, predictions, to)
    missing = tuple(film for film in wanted if film not in paths)
    return Report(len(films), len(predictions), missing, to.stat().st_size)


def real_paths(ids: list[str], data: Dataset | None) -> dict[str, Path]:
    """Return the files of the real films that are in `data`, or else downloaded, by id."""
    folders = [data] if data else []
    with contextlib.suppress(DataError):  # nothing was downloaded
        folders.append(dataset.load(config.REAL_FILMS))
    paths: dict[str, Path] = {}
    for film in ids:
        for folder in folders:
            if film in folder.films.index and folder.path(film).is_file():
                paths.setdefault(film, folder.path(film))
    return paths
