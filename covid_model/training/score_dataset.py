"""Score films of a data folder as the app does: reported ones, those held out while training, and the samples.

Films that a network learned from are not scored: their scores say nothing. The pass also yields the pooled features
that the out-of-distribution detector and the source probe need, so they are stored in the work folder.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm import tqdm

from covid_model import config, imaging
from covid_model.data import dataset, samples
from covid_model.data.dataset import SCORE_COLUMNS, DataError, Dataset
from covid_model.model import device, readings, registry
from covid_model.model.predictor import Predictor, sigmoid
from covid_model.model.registry import NetworkSpec

COLUMNS = list(SCORE_COLUMNS)
DECIMALS = 6
STORED_EVERY = 512  # films between two writes of an interrupted pass


@dataclass(frozen=True)
class OutputStore:
    """A network's outputs for films, computed where the work folder does not have them yet.

    Attributes:
        spec: the network's.
        data: a data folder.
        vgg19: as in `vgg19.load`.
        precision: as in `vgg19.build`.
        work: the folder of stored outputs.
    """

    spec: NetworkSpec
    data: Dataset
    vgg19: str | None = None
    precision: str = "float32"
    work: Path = field(default_factory=lambda: config.WORK)

    @cached_property
    def predictor(self) -> Predictor:
        """Return the network at this precision."""
        return Predictor(self.spec.name, self.vgg19, self.precision)

    @property
    def path(self) -> Path:
        """Return the file of stored outputs, whose name changes with the weights and the precision."""
        return self.work / "outputs" / f"{self.spec.name}-{self.spec.sha256[:12]}-{self.precision}.npz"

    def get(self, ids: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """Return the logits (n,) float32 and the pooled features (n, 1024) float32 of the films `ids`."""
        hashes = list(self.data.films.loc[list(ids), "sha256"])
        stored = self._load()
        missing = {sha: film for sha, film in zip(hashes, ids, strict=True) if sha not in stored}
        if missing:
            self._compute(missing, stored)
        logits, pooled = zip(*(stored[sha] for sha in hashes), strict=True)
        return np.array(logits, np.float32), np.stack(pooled).astype(np.float32)

    def scores(self, ids: Sequence[str]) -> np.ndarray:
        """Return the scores (n,) of the films `ids`, in [0, 1]."""
        return np.asarray(sigmoid(self.get(ids)[0]))

    def _load(self) -> dict[str, tuple[np.float32, np.ndarray]]:
        """Return the stored outputs by the SHA-256 of a film's file."""
        if not self.path.is_file():
            return {}
        with np.load(self.path, allow_pickle=False) as arrays:
            return dict(
                zip(arrays["sha256"].tolist(), zip(arrays["logit"], arrays["pooled"], strict=True), strict=True)
            )

    def _compute(self, missing: dict[str, str], stored: dict) -> None:
        """Add the outputs of the films `missing`, ids by SHA-256, to `stored`, and write it now and then."""
        with ThreadPoolExecutor(config.READ_AHEAD) as pool, tqdm(total=len(missing), unit="film") as bar:
            outputs = self.predictor.outputs(_decoded(pool, self.data, list(missing.values())))
            for number, (sha, (logit, pooled)) in enumerate(zip(missing, outputs, strict=True), 1):
                stored[sha] = (np.float32(logit), pooled.astype(np.float16))
                bar.update()
                if number % STORED_EVERY == 0 or number == len(missing):
                    self._save(stored)

    def _save(self, stored: dict) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        logits, pooled = zip(*stored.values(), strict=True)
        partial = self.path.with_suffix(".part.npz")
        np.savez(partial, sha256=np.array(list(stored)), logit=np.array(logits), pooled=np.stack(pooled))
        partial.replace(self.path)


def run(
    name: str, data: Dataset, vgg19: str | None = None, to: Path | None = None, work: Path | None = None
) -> pd.DataFrame:
    """Score the films that the network `name` did not learn from and replace its rows in the table at `to`.

    These are the reported films, in float32 as in the app, and the network's held-out ones, in bfloat16 where the
    processor has it. A network that held none out in its final training gets no scores of training films.

    Returns:
        The whole table, all networks.
    """
    spec = registry.spec(name)
    work = config.WORK if work is None else work
    trainable = data.films["split"].isin(config.TRAINING_SPLITS)
    passes = {"float32": data.films[~trainable]}
    if spec.holds_out:
        table = dataset.labeled_training_films(data.films, *spec.trained_on)
        held_out = table[dataset.validation_films(data.films, *spec.trained_on)]
        fast = device.fast_precision()
        passes[fast] = pd.concat([passes[fast], held_out]) if fast in passes else held_out
    scores = [
        OutputStore(spec, data, vgg19, precision, work).scores(list(part.index)) for precision, part in passes.items()
    ]
    return record(name, pd.concat(passes.values()), np.concatenate(scores), to)


def _decoded(pool: ThreadPoolExecutor, data: Dataset, ids: list[str]) -> Iterator[np.ndarray]:
    """Yield the films' pixels in order, decoding a batch ahead."""
    remaining: Iterable[str] = iter(ids)
    while group := list(islice(remaining, config.BATCH)):
        yield from pool.map(lambda film: imaging.read(data.path(film)).pixels, group)


def record(name: str, table: pd.DataFrame, scores: np.ndarray, to: Path | None = None) -> pd.DataFrame:
    """Store one network's scores (n,) of the films of `table` (n rows) in the file at `to`, in place of its old ones.

    Raises:
        ValueError: the scores are not n numbers in [0, 1].
    """
    to = config.SCORES_CSV if to is None else to
    scores = np.asarray(scores, np.float64)
    if scores.shape != (len(table),) or not np.all((scores >= 0) & (scores <= 1)):
        raise ValueError(
            f"Expected {len(table)} scores in [0, 1]. Received: shape {scores.shape}, "
            f"from {scores.min()} to {scores.max()}."
        )
    new = table.reset_index()[["id", "split", "source", "covid"]].assign(network=name, score=scores.round(DECIMALS))
    new["covid"] = new["covid"].astype("Int64")  # 1, 0 or empty, and never 1.0
    if to.is_file():
        old = pd.read_csv(to, dtype={"id": str, "covid": "Int64"})
        new = pd.concat([old[old["network"] != name], new])
    place = {network: number for number, network in enumerate(registry.names())}
    new = new.assign(place=new["network"].map(place)).sort_values(["place", "id"], kind="stable")[COLUMNS]
    to.parent.mkdir(parents=True, exist_ok=True)
    new.to_csv(to, index=False, float_format=f"%.{DECIMALS}f")
    return new


# --- Readings: the predictions of the sample films, stored for the app (see `model.readings`) ---


@dataclass(frozen=True)
class StoredReadings:
    """What was stored: the number of films and of networks, the ids of films without a file, and the file's bytes."""

    films: int
    networks: int
    missing: tuple[str, ...]
    size: int


def store_readings(
    data: Dataset | None = None, vgg19_for: Callable[[str], str | None] = lambda name: None, to: Path | None = None
) -> StoredReadings:
    """Predict the sample films in the repository, and the real ones in `data` or downloaded, with every network.

    Args:
        data: a data folder with the real films.
        vgg19_for: returns the source of VGG-19's ImageNet weights for a network, as in `vgg19.load`.
        to: defaults to config.READINGS_NPZ.

    Raises SampleError, DataError, FilmError, NetworkError, PredictionError.
    """
    to = config.READINGS_NPZ if to is None else to
    paths = {sample.id: sample.path for sample in samples.samples()}
    wanted = list(samples.real_films())
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
    return StoredReadings(len(films), len(predictions), missing, to.stat().st_size)


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
