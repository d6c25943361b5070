"""The stored features: `assets/lab/features.npz`, checked against `features.json` before it is used.

Rows are the films of `assets/dataset.csv`, in its order. Arrays lie in the file as (numbers, films), which packs
smaller. ImageNet's features are float16, rounded to IMAGENET_BITS; the random base's are uint8 with a smallest value
and a step a column.
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
from covid_model.model import network_spec
from covid_model.training import features
from covid_model.training.features import FeatureJob

FEATURES, FACTS = "features.npz", "features.json"
IMAGENET_BITS = 6  # significant bits kept of a feature: within 1.6 % of its value, and a third of the file saved
RANDOM_BASE_SEED = 2021  # of the base that was never trained
COMMAND = "python -m covid_model lab-features --data DIR --vgg19 FILE"


class PlaygroundError(RuntimeError):
    """The stored features cannot be used. The message names the file and the command that makes it."""


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
    """SHA-256 of film ids in their order."""
    return hashlib.sha256("\n".join(ids).encode()).hexdigest()


def save(folder: Path, ids: Iterable[str], imagenet: np.ndarray, random: np.ndarray, about: dict) -> None:
    """Write features (films, numbers) of both bases and what is known of them (`about`) into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    steps, low, step = to_steps(random)
    np.savez_compressed(
        folder / FEATURES,
        imagenet=np.ascontiguousarray(features.round_mantissas(imagenet, IMAGENET_BITS).T),
        random=np.ascontiguousarray(steps.T),
        random_low=low,
        random_step=step,
    )
    facts = {"films": len(imagenet), "ids": fingerprint(ids), "sha256": network_spec.sha256(folder / FEATURES)} | about
    (folder / FACTS).write_text(json.dumps(facts, indent=1) + "\n")


def load(folder: Path | None = None) -> Store:
    """Read the stored features, only after their SHA-256 was found right.

    Args:
        folder: where they lie; `assets/lab` where none is given.

    Raises:
        PlaygroundError: a file missing, cut, changed, or made for another list of films.
        DataError: the list of films is missing or damaged.
    """
    folder = folder or config.LAB
    films = dataset.committed()
    path = folder / FEATURES
    try:
        facts = json.loads((folder / FACTS).read_text())
        wanted, ids = facts["sha256"], facts["ids"]
        found = network_spec.sha256(path)
    except FileNotFoundError as error:
        raise PlaygroundError(
            f"{Path(error.filename).name} is not in {folder.parent.name}/{folder.name}. Make it: {COMMAND}"
        ) from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise PlaygroundError(f"{folder / FACTS} is damaged ({error!r}). Make it again: {COMMAND}") from error
    if found != wanted:
        raise PlaygroundError(
            f"{path} is not the file that {FACTS} names: SHA-256 {str(wanted)[:12]}… was wanted, {found[:12]}… came. "
            f"Make it again: {COMMAND}"
        )
    if ids != fingerprint(films.index):
        raise PlaygroundError(f"{path} was made for another list of films. Make it again: {COMMAND}")
    try:
        with np.load(path, allow_pickle=False) as arrays:
            features = {
                "imagenet": arrays["imagenet"].T.astype(np.float32),
                "random": from_steps(arrays["random"].T, arrays["random_low"], arrays["random_step"]),
            }
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise PlaygroundError(f"{path} cannot be read: {error}. Make it again: {COMMAND}") from error
    for name, rows in features.items():
        if rows.ndim != 2 or len(rows) != len(films) or not np.isfinite(rows).all():
            raise PlaygroundError(f"{path} holds no features of {len(films)} films ({name}: {rows.shape}). {COMMAND}")
    return Store(films, {name: np.ascontiguousarray(rows) for name, rows in features.items()})


def to_steps(features: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Features (films, numbers) as uint8, with each column's smallest value and step, both float32 (numbers,)."""
    low = features.min(axis=0).astype(np.float32)
    step = ((features.max(axis=0) - low) / 255).astype(np.float32)
    step[step == 0] = 1
    return np.rint((features - low) / step).clip(0, 255).astype(np.uint8), low, step


def from_steps(steps: np.ndarray, low: np.ndarray, step: np.ndarray) -> np.ndarray:
    """What `to_steps` packed, to half a step: (films, numbers) float32."""
    return steps.astype(np.float32) * step + low


# --- Makes `assets/lab/`: what two frozen bases make of every film, averaged over the film ---
# Goes through `features.extract` with the jobs of the paper's recipe, so that what a training run has left in the work
# folder is only read. The random base is VGG-19 as Keras initializes it with a fixed seed, never trained.


def make(data: dataset.Dataset, vgg19: str, work: Path | None = None, folder: Path | None = None) -> Path:
    """Average both bases' features of all films of the committed list and write them into `folder`.

    Raises DataError where the data folder lacks a film of the list.
    """
    work = config.WORK if work is None else work
    folder = config.LAB if folder is None else folder
    films = dataset.committed()
    missing = films.index.difference(data.films.index)
    if len(missing):
        raise dataset.DataError(f"The data folder {data.folder} lacks {len(missing)} films, such as {missing[0]}.")
    films = data.films.loc[films.index]
    fast = config.fast_precision()
    imagenet = pooled(data, films, FeatureJob(vgg19), FeatureJob(vgg19, precision=fast), work)
    untrained = FeatureJob(str(random_base(work)), precision=fast)
    random = pooled(data, films, untrained, untrained, work)
    about = {
        "layer": "block5_pool, averaged over the film",
        "imagenet": {"numbers": imagenet.shape[1], "kept_as": "float16"},
        "random": {"numbers": random.shape[1], "kept_as": "uint8, a step a column", "seed": RANDOM_BASE_SEED},
    }
    save(folder, films.index, imagenet, random, about)
    return folder


def pooled(
    data: dataset.Dataset, films: pd.DataFrame, reported: FeatureJob, others: FeatureJob, work: Path
) -> np.ndarray:
    """Features (films, 512) float32 of `films`, a job for the reported splits and one for those trained on."""
    trained_on = films["split"].isin(config.TRAINING_SPLITS).to_numpy()
    found = np.empty((len(films), features.CHANNELS), np.float32)
    for part, job in ((~trained_on, reported), (trained_on, others)):
        found[part] = features.averaged(features.extract(data, list(films.index[part]), job, work))
    return found


def random_base(work: Path) -> Path:
    """The weights file of an untrained VGG-19, made where it is not in `work` yet."""
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
