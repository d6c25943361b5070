"""Write and load the stored features, `assets/lab/features.npz`, checked against `features.json` before use.

Rows are the films of `assets/dataset.csv`, in its order. An array is stored transposed, (numbers, films), which packs
smaller, as uint8 with each number's smallest value and step.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from covid_model import config
from covid_model.data import dataset
from covid_model.model import device, registry
from covid_model.training import features
from covid_model.training.features import FeatureJob
from covid_model.training.playground.recipe import BASES

FEATURES, FACTS = "features.npz", "features.json"
LEVELS = {"imagenet": 256, "random": 64}  # steps kept of a number: fewer compress better
RANDOM_BASE_SEED = 2021  # of the base that was never trained
COMMAND = "python -m covid_model lab-features --data DIR --vgg19 FILE"


class PlaygroundError(RuntimeError):
    """The stored features cannot be used. The message names the file and the command that creates it."""


@dataclass(frozen=True)
class Store:
    """Features of all films.

    Attributes:
        films: the list of films, indexed by id: split, source, covid, patient.
        features: by base (BASES), (films, numbers) float32.
    """

    films: pd.DataFrame
    features: dict[str, np.ndarray]


def fingerprint(ids: Iterable[str]) -> str:
    """Return the SHA-256 of film ids in their order."""
    return hashlib.sha256("\n".join(ids).encode()).hexdigest()


def save(folder: Path, ids: Iterable[str], imagenet: np.ndarray, random: np.ndarray, about: dict) -> None:
    """Write the features (films, numbers) of both bases, and their metadata `about`, into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    arrays = {}
    for base, rows in zip(BASES, (imagenet, random), strict=True):
        steps, low, step = to_steps(rows, LEVELS[base])
        arrays |= {base: np.ascontiguousarray(steps.T), f"{base}_low": low, f"{base}_step": step}
    np.savez_compressed(folder / FEATURES, **arrays)
    facts = {"films": len(imagenet), "ids": fingerprint(ids), "sha256": registry.sha256(folder / FEATURES)} | about
    (folder / FACTS).write_text(json.dumps(facts, indent=1) + "\n")


def load(folder: Path | None = None) -> Store:
    """Load the stored features, after a check of their SHA-256.

    Args:
        folder: the folder with both files, by default `assets/lab`.

    Raises:
        PlaygroundError: a file is missing, damaged, changed, or computed for a different list of films.
        DataError: the list of films is missing or damaged.
    """
    folder = folder or config.LAB
    films = dataset.committed()
    path = folder / FEATURES
    try:
        facts = json.loads((folder / FACTS).read_text())
        expected, ids = facts["sha256"], facts["ids"]
        actual = registry.sha256(path)
    except FileNotFoundError as error:
        raise PlaygroundError(
            f"{Path(error.filename).name} is not in {folder.parent.name}/{folder.name}. Create it: {COMMAND}"
        ) from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise PlaygroundError(f"{folder / FACTS} is damaged ({error!r}). Create it again: {COMMAND}") from error
    if actual != expected:
        raise PlaygroundError(
            f"{path} does not match {FACTS}: expected SHA-256 {str(expected)[:12]}…, got {actual[:12]}…. "
            f"Create it again: {COMMAND}"
        )
    if ids != fingerprint(films.index):
        raise PlaygroundError(f"{path} was computed for a different list of X-rays. Create it again: {COMMAND}")
    try:
        with np.load(path, allow_pickle=False) as arrays:
            features = {
                base: from_steps(arrays[base].T, arrays[f"{base}_low"], arrays[f"{base}_step"]) for base in BASES
            }
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise PlaygroundError(f"{path} cannot be read: {error}. Create it again: {COMMAND}") from error
    for name, rows in features.items():
        if rows.ndim != 2 or len(rows) != len(films) or not np.isfinite(rows).all():
            raise PlaygroundError(
                f"{path} must have the features of {len(films)} X-rays. Received: {name} {rows.shape}. "
                f"Create it again: {COMMAND}"
            )
    return Store(films, {name: np.ascontiguousarray(rows) for name, rows in features.items()})


def to_steps(features: np.ndarray, levels: int = 256) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Quantize features (films, numbers) to `levels`: uint8, and each column's minimum and step, float32 (numbers,)."""
    low = features.min(axis=0).astype(np.float32)
    step = ((features.max(axis=0) - low) / (levels - 1)).astype(np.float32)
    step[step == 0] = 1
    return np.rint((features - low) / step).clip(0, levels - 1).astype(np.uint8), low, step


def from_steps(steps: np.ndarray, low: np.ndarray, step: np.ndarray) -> np.ndarray:
    """Restore what `to_steps` quantized, to half a step: (films, numbers) float32."""
    return steps.astype(np.float32) * step + low


# --- Create `assets/lab/`: the output of two frozen bases for every film, averaged over the film ---
# Goes through `features.extract`, so features of reported films that a training run has left in the work folder are
# only read. The random base is VGG-19 as Keras initializes it with a fixed seed, never trained.


def make(data: dataset.Dataset, vgg19: str, work: Path | None = None, folder: Path | None = None) -> Path:
    """Compute both bases' features of all films of the committed list, averaged over each film, and write them.

    Raises DataError if the data folder lacks a film of the list.
    """
    work = config.WORK if work is None else work
    folder = config.LAB if folder is None else folder
    films = dataset.committed()
    missing = films.index.difference(data.films.index)
    if len(missing):
        raise dataset.DataError(f"The data folder {data.folder} lacks {len(missing)} X-rays, such as {missing[0]}.")
    films = data.films.loc[films.index]
    fast = device.fast_precision()
    imagenet = pooled(data, films, FeatureJob(vgg19), FeatureJob(vgg19, precision=fast), work)
    untrained = FeatureJob(str(random_base(work)), precision=fast)
    random = pooled(data, films, untrained, untrained, work)
    about = {
        "layer": "block5_pool, averaged over the film",
        "stored_as": "uint8, with the smallest value and the step of each number",
        "imagenet": {"numbers": imagenet.shape[1]},
        "random": {"numbers": random.shape[1], "seed": RANDOM_BASE_SEED},
    }
    save(folder, films.index, imagenet, random, about)
    return folder


def pooled(
    data: dataset.Dataset, films: pd.DataFrame, reported: FeatureJob, others: FeatureJob, work: Path
) -> np.ndarray:
    """Return features (films, 512) float32 of `films`, by one job for reported splits and one for training splits."""
    trained_on = films["split"].isin(config.TRAINING_SPLITS).to_numpy()
    pooled_features = np.empty((len(films), features.CHANNELS), np.float32)
    for part, job in ((~trained_on, reported), (trained_on, others)):
        pooled_features[part] = features.averaged(features.extract(data, list(films.index[part]), job, work))
    return pooled_features


def random_base(work: Path) -> Path:
    """Return the weights file of an untrained VGG-19 in `work`, created if it does not exist."""
    path = work / f"vgg19_random_{RANDOM_BASE_SEED}.weights.h5"
    if not path.is_file():
        import keras

        path.parent.mkdir(parents=True, exist_ok=True)
        keras.utils.set_random_seed(RANDOM_BASE_SEED)
        size = config.INPUT_SIZE
        untrained = keras.applications.VGG19(include_top=False, weights=None, input_shape=(size, size, 3))
        partial = path.with_name(f"partial_{path.name}")
        untrained.save_weights(partial)
        partial.rename(path)
    return path
