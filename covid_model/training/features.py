"""What the frozen convolutional layers make of a whole data set: computed once, kept on disk, reused.

The file's key changes with the weights, the preprocessing, the jitter, the precision and the films, so that a stale
file is never read. A run that was cut goes on behind the last batch that was written.
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
from covid_model.model import network_spec, vgg19

ROWS, COLUMNS, CHANNELS = 7, 7, 512  # block5_pool at 224 pixels


@dataclass(frozen=True)
class FeatureJob:
    """One pass of the frozen base over films.

    Attributes:
        vgg19: the base's weights: a file, or "imagenet".
        preprocessing: how films are prepared.
        jitter: how each film is changed before, or None.
        seed: of the jitter; film i of a job is always changed alike.
        precision: "float32" or "mixed_bfloat16".
    """

    vgg19: str
    preprocessing: Preprocessing = field(default_factory=Preprocessing)
    jitter: Augmentation | None = None
    seed: int = 0
    precision: str = "float32"

    def key(self, film_hashes: Iterable[str]) -> str:
        """A short name that changes with everything that the features depend on."""
        weights = network_spec.sha256(Path(self.vgg19)) if Path(self.vgg19).is_file() else self.vgg19
        facts = json.dumps([weights, asdict(self), *film_hashes], default=str)
        return hashlib.sha256(facts.encode()).hexdigest()[:16]


def prepared(dataset: Dataset, ids: list[str], job: FeatureJob, first: int = 0) -> Iterator[np.ndarray]:
    """The films `ids[first:]`, decoded, jittered and prepared, in order, each (size, size) uint8; read by threads."""

    def one(numbered: tuple[int, str]) -> np.ndarray:
        number, film = numbered
        pixels = imaging.read(dataset.path(film)).pixels
        if job.jitter:
            pixels = job.jitter(pixels, np.random.default_rng((job.seed, number)))
        return prepare(pixels, job.preprocessing)

    with ThreadPoolExecutor(config.READ_AHEAD) as pool:
        for start in range(first, len(ids), config.BATCH):
            yield from pool.map(one, enumerate(ids[start : start + config.BATCH], start))


def extract(dataset: Dataset, ids: list[str], job: FeatureJob, work: Path | None = None) -> np.ndarray:
    """The frozen base's features of the films `ids`.

    Returns:
        (n, 7, 7, 512) float16, a read-only view of a file in `work`: the output of `block5_pool`.
    """
    work = config.WORK if work is None else work
    hashes = [dataset.films.at[film, "sha256"] for film in ids]
    path = work / "features" / f"{job.key(hashes)}.npy"
    shape = (len(ids), ROWS, COLUMNS, CHANNELS)
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        _compute(dataset, ids, job, path, shape)
    kept = np.load(path, mmap_mode="r")
    if kept.shape != shape:
        raise ValueError(f"{path} should hold {shape}. Received: {kept.shape}. Delete it and run again.")
    return kept


def _compute(dataset: Dataset, ids: list[str], job: FeatureJob, path: Path, shape: tuple[int, ...]) -> None:
    """Fill `path` through a partial file beside it, batch by batch; goes on where an earlier run was cut."""
    import keras
    import tensorflow as tf

    partial, progress = path.with_suffix(".part"), path.with_suffix(".done")
    done = int(progress.read_text()) if progress.is_file() and partial.is_file() else 0
    store = np.lib.format.open_memmap(partial, mode="r+" if done else "w+", dtype=np.float16, shape=shape)
    whole = vgg19.build(network_spec.Head(), job.preprocessing.size, job.vgg19, job.precision)
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
