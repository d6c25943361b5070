"""The novelty gate: whether the network has seen anything like this film. From features that a reading has anyway.

Two questions, each answered with a number that is 1 at its cut, so that the higher of them is the film's distance:

- *How far from the training films?* Their features' probabilistic PCA (Tipping and Bishop 1999): a mean, a few
  directions in which films differ, one variance for all others; the Mahalanobis distance to that mean.
- *Turned or inverted?* Such films lie near upright ones (features answer to edges, and theirs are there still), so a
  logistic regression was fitted to tell training films from copies turned or inverted in code.

Both cuts together pass all but one in a hundred of the validation films. Fitted by `audit.novelty`.
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from covid_model import config
from covid_model.model.network_spec import NetworkError, NetworkSpec, sha256
from covid_model.verdict import OutOfDistribution

if TYPE_CHECKING:
    import tensorflow as tf

CHANGES: dict[str, Callable[[np.ndarray], np.ndarray]] = {  # of (height, width) uint8; any of them is undone by one
    "inverted": lambda pixels: config.GREY_LEVELS - pixels,
    "rotated by 90 degrees, left": lambda pixels: np.ascontiguousarray(np.rot90(pixels)),
    "rotated by 90 degrees, right": lambda pixels: np.ascontiguousarray(np.rot90(pixels, -1)),
    "upside down": lambda pixels: np.ascontiguousarray(np.rot90(pixels, 2)),
}
# Whose features the gate looks at: the last ones are the network's own matter, and where they were trained to pass over
# sharpness and tone they pass over what is no film too; the block before still sees it.
LAYERS = ("block4_pool", config.LAST_CONV)


@dataclass(frozen=True)
class OodDetector:
    """What is known of training films, for one network.

    Attributes:
        mean: (d,) float32, the mean of their `pool`ed features.
        directions: (k, d) float32, orthonormal.
        variances: (k,) float32, along them.
        rest: () variance along every other direction.
        cut: () the Mahalanobis distance above which a film is unfamiliar.
        slope, offset: (d,) and (): 0 for the usual upright film, 1 where a film begins to look turned or inverted.
        network: () SHA-256 of the weights that the features came from.
    """

    mean: np.ndarray
    directions: np.ndarray
    variances: np.ndarray
    rest: np.ndarray
    cut: np.ndarray
    slope: np.ndarray
    offset: np.ndarray
    network: np.ndarray

    def distance(self, features: np.ndarray) -> float:
        """How far out a film lies: above 1 it is novel.

        Args:
            features: (d,), `pool`ed.
        """
        return float(self.distances(features[None]).max(axis=1)[0])

    def novel(self, features: np.ndarray) -> bool:
        """Whether a film lies further out than the cut; `features` as in `distance`."""
        return self.distance(features) > 1

    def reason(self, features: np.ndarray) -> OutOfDistribution | None:
        """Why a film is novel, UNFAMILIAR or CHANGED; None where it is not."""
        unfamiliar, changed = self.distances(features[None])[0]
        if max(unfamiliar, changed) <= 1:
            return None
        return OutOfDistribution.CHANGED if changed > unfamiliar else OutOfDistribution.UNFAMILIAR

    def distances(self, pooled: np.ndarray) -> np.ndarray:
        """Both numbers of many films: pooled features (n, d) to (n, 2), unfamiliar and changed; 1 is the cut."""
        if pooled.ndim != 2 or pooled.shape[1] != self.mean.size:
            raise ValueError(f"Pooled features are (n, {self.mean.size}). Received: {pooled.shape}.")
        pooled = pooled.astype(np.float32)
        return np.column_stack([self.mahalanobis(pooled) / self.cut, pooled @ self.slope + self.offset])

    def mahalanobis(self, pooled: np.ndarray) -> np.ndarray:
        """(n, d) to (n,): about the square root of d for a film that lies as training films do."""
        off = pooled - self.mean  # (n, d)
        along = off @ self.directions.T  # (n, k)
        beside = np.maximum(np.square(off).sum(axis=1) - np.square(along).sum(axis=1), 0)  # (n,)
        return np.sqrt((np.square(along) / self.variances).sum(axis=1) + beside / self.rest)

    def save(self, name: str, folder: Path | None = None) -> str:
        """Write NAME-novelty.npz into `folder`; returns its SHA-256."""
        folder = config.NETWORKS if folder is None else folder
        path = path_of(name, folder)
        np.savez(path, **{one.name: getattr(self, one.name) for one in fields(self)})
        return sha256(path)

    @classmethod
    def load(cls, name: str, folder: Path | None = None) -> OodDetector:
        """The gate of the network `name`. Raises NetworkError where it is missing or damaged."""
        folder = config.NETWORKS if folder is None else folder
        path = path_of(name, folder)
        try:
            with np.load(path, allow_pickle=False) as arrays:
                kept = {one.name: arrays[one.name] for one in fields(cls)}
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            again = f"python -m covid_model audit --only novelty --network {name}"
            raise NetworkError(f"The novelty gate {path} cannot be read: {error}. Make it again: {again}.") from error
        return cls(**{key: one if key == "network" else one.astype(np.float32) for key, one in kept.items()})


def detector_of(what: NetworkSpec, folder: Path | None = None) -> OodDetector | None:
    """The gate of a network; None where there is none, or where it was fitted to other weights than these."""
    folder = config.NETWORKS if folder is None else folder
    try:
        gate = OodDetector.load(what.name, folder)
    except NetworkError:
        return None
    return gate if str(gate.network) == what.sha256 else None


def path_of(name: str, folder: Path | None = None) -> Path:
    """Where the gate of the network `name` lies."""
    folder = config.NETWORKS if folder is None else folder
    return folder / f"{name}-novelty.npz"


def pool(maps: Sequence[tf.Tensor]) -> tf.Tensor:
    """Feature maps of LAYERS, each (n, h, w, channels), as one vector a film, (n, d): square roots of their means.

    The square root evens out features that are mostly near 0 and seldom large.
    """
    import tensorflow as tf

    means = [tf.reduce_mean(tf.cast(one, tf.float32), axis=(1, 2)) for one in maps]  # each (n, channels)
    return tf.sqrt(tf.nn.relu(tf.concat(means, axis=1)))  # (n, 1024)
