"""The frozen convolutional layers' features of a whole data set: computed once, stored on disk, reused.

A file's name is a hash of the weights, preprocessing, augmentation, precision and films, so a stale file is never
read. An interrupted run resumes after the last batch it wrote.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
from tqdm import tqdm

from covid_model import config, imaging
from covid_model.data.dataset import Dataset
from covid_model.imaging.augment import Augmentation
from covid_model.imaging.preprocessing import Preprocessing, batches, prepare, to_input
from covid_model.model import registry, vgg19

ROWS, COLUMNS, CHANNELS = 7, 7, 512  # block5_pool at 224 pixels
FILMS_AT_ONCE = 256  # that are averaged


@dataclass(frozen=True)
class FeatureJob:
    """One pass of the frozen base over films.

    Attributes:
        vgg19: the base's weights: a file, or "imagenet".
        preprocessing: applied to each film.
        jitter: the augmentation applied before it, or None. (Renaming the field would change every key.)
        seed: of the augmentation; film i of a job always gets the same one.
        precision: "float32" or "mixed_bfloat16".
    """

    vgg19: str
    preprocessing: Preprocessing = field(default_factory=Preprocessing)
    jitter: Augmentation | None = None
    seed: int = 0
    precision: str = "float32"

    def key(self, film_hashes: Iterable[str]) -> str:
        """Return a short name that changes with everything the features depend on."""
        weights = registry.sha256(Path(self.vgg19)) if Path(self.vgg19).is_file() else self.vgg19
        inputs = json.dumps([weights, asdict(self), *film_hashes], default=str)
        return hashlib.sha256(inputs.encode()).hexdigest()[:16]


def prepared(dataset: Dataset, ids: list[str], job: FeatureJob, first: int = 0) -> Iterator[np.ndarray]:
    """Yield the films `ids[first:]` in order, decoded, augmented and prepared by threads, each (size, size) uint8."""

    def read(numbered: tuple[int, str]) -> np.ndarray:
        number, film = numbered
        pixels = imaging.read(dataset.path(film)).pixels
        if job.jitter:
            pixels = job.jitter(pixels, np.random.default_rng((job.seed, number)))
        return prepare(pixels, job.preprocessing)

    with ThreadPoolExecutor(config.READ_AHEAD) as pool:
        for start in range(first, len(ids), config.BATCH):
            yield from pool.map(read, enumerate(ids[start : start + config.BATCH], start))


def extract(dataset: Dataset, ids: list[str], job: FeatureJob, work: Path | None = None) -> np.ndarray:
    """Return the frozen base's features of the films `ids`, computing them where `work` does not have them yet.

    Returns:
        (n, 7, 7, 512) float16, the output of `block5_pool`: a read-only view of a file in `work`.

    Raises:
        ValueError: the file has another shape.
    """
    work = config.WORK if work is None else work
    hashes = [dataset.films.at[film, "sha256"] for film in ids]
    path = work / "features" / f"{job.key(hashes)}.npy"
    shape = (len(ids), ROWS, COLUMNS, CHANNELS)
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        _compute(dataset, ids, job, path, shape)
    stored = np.load(path, mmap_mode="r")
    if stored.shape != shape:
        raise ValueError(f"{path}: expected features of shape {shape}, got {stored.shape}. Delete it and run again.")
    return stored


def averaged(full: np.ndarray) -> np.ndarray:
    """Return features (n, 7, 7, 512) averaged over the film: (n, 512) float32. Reads a few hundred films at a time."""
    return np.concatenate(
        [
            full[start : start + FILMS_AT_ONCE].astype(np.float32).mean(axis=(1, 2))
            for start in range(0, len(full), FILMS_AT_ONCE)
        ]
    )


def has_own_features(spec: registry.NetworkSpec) -> bool:
    """Return whether the hidden layer is all that a network knows of its own of where in a film something is.

    Its base is ImageNet's, and its head sees every place of the base's output, not their average.
    """
    return spec.base == registry.IMAGENET and spec.head.pooling == "flatten"


def hidden_layer(
    spec: registry.NetworkSpec, dataset: Dataset, ids: list[str], base: str, work: Path | None = None
) -> np.ndarray:
    """Return what the hidden layer of a head on the frozen base outputs for the films `ids`: (n, units) float32.

    Args:
        spec: a network for which `has_own_features`.
        base: weights of the base, as in `FeatureJob`.
    """
    weights = vgg19.read_weights(config.NETWORKS / spec.weights)
    kernel, bias = weights["fc1/kernel"], weights["fc1/bias"]  # (25088, units), (units,)
    full = extract(dataset, ids, FeatureJob(base, spec.preprocessing), work)
    parts = (full[start : start + FILMS_AT_ONCE] for start in range(0, len(full), FILMS_AT_ONCE))
    flat = (part.reshape(-1, len(kernel)).astype(np.float32) for part in parts)  # (films, 25088)
    return np.concatenate([np.maximum(part @ kernel + bias, 0) for part in flat])


def _compute(dataset: Dataset, ids: list[str], job: FeatureJob, path: Path, shape: tuple[int, ...]) -> None:
    """Write `path` batch by batch into a partial file beside it, and resume an interrupted run from that file."""
    import keras
    import tensorflow as tf

    partial, progress = path.with_suffix(".part"), path.with_suffix(".done")
    done = int(progress.read_text()) if progress.is_file() and partial.is_file() else 0
    store = np.lib.format.open_memmap(partial, mode="r+" if done else "w+", dtype=np.float16, shape=shape)
    whole = vgg19.build(registry.Head(), job.preprocessing.size, job.vgg19, job.precision)
    base = keras.Model(whole.input, whole.get_layer("block5_pool").output)
    forward = tf.function(lambda x: base(x, training=False))
    with tqdm(total=len(ids), initial=done, unit="film", desc=f"features {path.stem}") as bar:
        for batch in batches(prepared(dataset, ids, job, done), config.BATCH):
            store[done : done + len(batch)] = forward(to_input(batch)).numpy().astype(np.float16)
            done += len(batch)
            store.flush()
            progress.write_text(str(done))
            bar.update(len(batch))
    del store
    partial.rename(path)
    progress.unlink()
