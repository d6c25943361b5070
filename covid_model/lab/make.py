"""Makes `assets/lab/`: what two frozen bases make of every film, averaged over the film.

Goes through `features.extract` with the jobs of the paper's recipe, so that what a training run has left in the work
folder is only read. The random base is VGG-19 as Keras initialises it with a fixed seed, never trained.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from covid_model import dataset, features, settings
from covid_model.features import FeatureJob
from covid_model.lab import store

ROWS = 256  # films that are averaged at a time


def make(data: dataset.Dataset, vgg19: str, work: Path | None = None, folder: Path | None = None) -> Path:
    """Average both bases' features of all films of the committed list and write them into `folder`.

    Raises DataError where the data folder lacks a film of the list.
    """
    work = settings.WORK if work is None else work
    folder = settings.LAB if folder is None else folder
    films = dataset.committed()
    missing = films.index.difference(data.films.index)
    if len(missing):
        raise dataset.DataError(f"The data folder {data.folder} lacks {len(missing)} films, such as {missing[0]}.")
    films = data.films.loc[films.index]
    fast = settings.fast_precision()
    imagenet = pooled(data, films, FeatureJob(vgg19), FeatureJob(vgg19, precision=fast), work)
    untrained = FeatureJob(str(random_base(work)), precision=fast)
    random = pooled(data, films, untrained, untrained, work)
    about = {
        "layer": "block5_pool, averaged over the film",
        "imagenet": {"numbers": imagenet.shape[1], "kept_as": "float16"},
        "random": {"numbers": random.shape[1], "kept_as": "uint8, a step a column", "seed": settings.LAB_BASE_SEED},
    }
    store.save(folder, films.index, imagenet, random, about)
    return folder


def pooled(
    data: dataset.Dataset, films: pd.DataFrame, reported: FeatureJob, others: FeatureJob, work: Path
) -> np.ndarray:
    """Features (films, 512) float32 of `films`, a job for the reported splits and one for those trained on."""
    trained_on = films["split"].isin(settings.TRAINING_SPLITS).to_numpy()
    found = np.empty((len(films), features.CHANNELS), np.float32)
    for part, job in ((~trained_on, reported), (trained_on, others)):
        full = features.extract(data, list(films.index[part]), job, work)  # (n, 7, 7, 512) float16
        found[part] = np.concatenate(
            [full[start : start + ROWS].astype(np.float32).mean(axis=(1, 2)) for start in range(0, len(full), ROWS)]
        )
    return found


def random_base(work: Path) -> Path:
    """The weights file of an untrained VGG-19, made where it is not in `work` yet."""
    path = work / f"vgg19_random_{settings.LAB_BASE_SEED}.weights.h5"
    if not path.is_file():
        import keras

        path.parent.mkdir(parents=True, exist_ok=True)
        keras.utils.set_random_seed(settings.LAB_BASE_SEED)
        size = settings.INPUT_SIZE
        untrained = keras.applications.VGG19(include_top=False, weights=None, input_shape=(size, size, 3))
        partial = path.with_name(f"partial_{path.name}")
        untrained.save_weights(partial)
        partial.rename(path)
    return path
