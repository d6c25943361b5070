"""The stored features: `assets/lab/features.npz`, checked against `features.json` before it is used.

Rows are the films of `assets/dataset.csv`, in its order. Arrays lie in the file as (numbers, films), which packs
smaller. ImageNet's features are float16; the random base's are uint8 with a smallest value and a step a column.
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

from covid_model import dataset, network, settings

FEATURES, FACTS = "features.npz", "features.json"
COMMAND = "python -m covid_model lab-features --data DIR --vgg19 FILE"


class LabError(RuntimeError):
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
        imagenet=np.ascontiguousarray(imagenet.astype(np.float16).T),
        random=np.ascontiguousarray(steps.T),
        random_low=low,
        random_step=step,
    )
    facts = {"films": len(imagenet), "ids": fingerprint(ids), "sha256": network.sha256(folder / FEATURES)} | about
    (folder / FACTS).write_text(json.dumps(facts, indent=1) + "\n")


def load(folder: Path | None = None) -> Store:
    """Read the stored features, only after their SHA-256 was found right.

    Args:
        folder: where they lie; `assets/lab` where none is given.

    Raises:
        LabError: a file missing, cut, changed, or made for another list of films.
        DataError: the list of films is missing or damaged.
    """
    folder = folder or settings.LAB
    films = dataset.committed()
    path = folder / FEATURES
    try:
        facts = json.loads((folder / FACTS).read_text())
        wanted, ids = facts["sha256"], facts["ids"]
        found = network.sha256(path)
    except FileNotFoundError as error:
        raise LabError(
            f"{Path(error.filename).name} is not in {folder.parent.name}/{folder.name}. Make it: {COMMAND}"
        ) from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise LabError(f"{folder / FACTS} is damaged ({error!r}). Make it again: {COMMAND}") from error
    if found != wanted:
        raise LabError(
            f"{path} is not the file that {FACTS} names: SHA-256 {str(wanted)[:12]}… was wanted, {found[:12]}… came. "
            f"Make it again: {COMMAND}"
        )
    if ids != fingerprint(films.index):
        raise LabError(f"{path} was made for another list of films. Make it again: {COMMAND}")
    try:
        with np.load(path, allow_pickle=False) as arrays:
            features = {
                "imagenet": arrays["imagenet"].T.astype(np.float32),
                "random": from_steps(arrays["random"].T, arrays["random_low"], arrays["random_step"]),
            }
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise LabError(f"{path} cannot be read: {error}. Make it again: {COMMAND}") from error
    for name, rows in features.items():
        if rows.ndim != 2 or len(rows) != len(films) or not np.isfinite(rows).all():
            raise LabError(f"{path} holds no features of {len(films)} films ({name}: {rows.shape}). {COMMAND}")
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
