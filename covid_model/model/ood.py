"""Out-of-distribution detection: whether a film resembles the training films, from features that a prediction computes.

Two numbers, each 1 at its cut; the higher is the film's distance:

- *Unfamiliar*: the Mahalanobis distance to the training films under their features' probabilistic PCA (Tipping and
  Bishop 1999): a mean, a few directions in which films differ, and one variance for all other directions.
- *Rotated or inverted*: such films are close to upright ones (features respond to edges, and the edges are the same),
  so a logistic regression separates training films from copies rotated or inverted in code.

Together, the cuts pass 99 in 100 of the validation films. `experiments.ood_detection` fits them.
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from covid_model import config
from covid_model.model.registry import NetworkError, NetworkSpec, sha256
from covid_model.verdict import OutOfDistribution

if TYPE_CHECKING:
    import tensorflow as tf

CHANGES: dict[str, Callable[[np.ndarray], np.ndarray]] = {  # of (height, width) uint8; each is undone by one of them
    "inverted": lambda pixels: config.GRAY_LEVELS - pixels,
    "rotated by 90 degrees, left": lambda pixels: np.ascontiguousarray(np.rot90(pixels)),
    "rotated by 90 degrees, right": lambda pixels: np.ascontiguousarray(np.rot90(pixels, -1)),
    "upside down": lambda pixels: np.ascontiguousarray(np.rot90(pixels, 2)),
}
# The last layer sees what the network was trained on. If that training made it ignore sharpness and tone, it also
# ignores what sets other images apart from chest X-rays; the block before still sees that.
LAYERS = ("block4_pool", config.LAST_CONV)


@dataclass(frozen=True)
class OodDetector:
    """The training films' statistics for one network.

    Attributes:
        mean: (d,) float32, mean of the pooled features (see `pool`).
        directions: (k, d) float32, orthonormal principal directions.
        variances: (k,) float32, variances along them.
        rest: () variance along every other direction.
        cut: () Mahalanobis distance above which a film is unfamiliar.
        slope, offset: (d,) and () of the logistic regression: 0 for a typical upright film, 1 at the cut for rotated
            or inverted ones.
        network: () SHA-256 of the weights that computed the features.
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
        """Return the larger distance of one film with pooled features (d,): above 1 it is out of distribution."""
        return float(self.distances(features[None]).max(axis=1)[0])

    def is_outlier(self, features: np.ndarray) -> bool:
        """Return whether a film with pooled features (d,) is out of distribution."""
        return self.distance(features) > 1

    def reason(self, features: np.ndarray) -> OutOfDistribution | None:
        """Return UNFAMILIAR or CHANGED for a film with pooled features (d,); None if it is in distribution."""
        unfamiliar, changed = self.distances(features[None])[0]
        if max(unfamiliar, changed) <= 1:
            return None
        return OutOfDistribution.CHANGED if changed > unfamiliar else OutOfDistribution.UNFAMILIAR

    def distances(self, pooled: np.ndarray) -> np.ndarray:
        """Return both distances of many films: (n, d) to (n, 2), unfamiliar and changed, 1 at the cut."""
        if pooled.ndim != 2 or pooled.shape[1] != self.mean.size:
            raise ValueError(f"Pooled features must have the shape (n, {self.mean.size}). Received: {pooled.shape}.")
        pooled = pooled.astype(np.float32)
        return np.column_stack([self.mahalanobis(pooled) / self.cut, pooled @ self.slope + self.offset])  # (n, 2)

    def mahalanobis(self, pooled: np.ndarray) -> np.ndarray:
        """Return the Mahalanobis distances: (n, d) to (n,), about the square root of d for a typical film."""
        centered = pooled - self.mean  # (n, d)
        along = centered @ self.directions.T  # (n, k)
        residual = np.maximum(np.square(centered).sum(axis=1) - np.square(along).sum(axis=1), 0)  # (n,)
        return np.sqrt((np.square(along) / self.variances).sum(axis=1) + residual / self.rest)

    def save(self, name: str, folder: Path | None = None) -> str:
        """Write NAME-novelty.npz into `folder` and return its SHA-256."""
        folder = config.NETWORKS if folder is None else folder
        path = detector_path(name, folder)
        np.savez(path, **{field.name: getattr(self, field.name) for field in fields(self)})
        return sha256(path)

    @classmethod
    def load(cls, name: str, folder: Path | None = None) -> OodDetector:
        """Load the detector of the network `name`. Raises NetworkError if it is missing or damaged."""
        folder = config.NETWORKS if folder is None else folder
        path = detector_path(name, folder)
        try:
            with np.load(path, allow_pickle=False) as arrays:
                stored = {field.name: arrays[field.name] for field in fields(cls)}
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            raise NetworkError(
                f"The out-of-distribution detector {path} cannot be read: {error}. "
                f"Fit it: python -m covid_model audit --only novelty --network {name}."
            ) from error
        return cls(**{key: array if key == "network" else array.astype(np.float32) for key, array in stored.items()})


def load_detector(spec: NetworkSpec, folder: Path | None = None) -> OodDetector | None:
    """Load the detector of a network; None if there is none or it was fitted to other weights."""
    folder = config.NETWORKS if folder is None else folder
    try:
        detector = OodDetector.load(spec.name, folder)
    except NetworkError:
        return None
    return detector if str(detector.network) == spec.sha256 else None


def detector_path(name: str, folder: Path | None = None) -> Path:
    """Return the path of the detector of the network `name`."""
    folder = config.NETWORKS if folder is None else folder
    return folder / f"{name}-novelty.npz"


def pool(maps: Sequence[tf.Tensor]) -> tf.Tensor:
    """Return one vector per film (n, d) from the feature maps of LAYERS, each (n, h, w, channels).

    It holds the square root of each map's mean: most features are near 0 and a few are large, and the root evens
    them out.
    """
    import tensorflow as tf

    means = [tf.reduce_mean(tf.cast(layer, tf.float32), axis=(1, 2)) for layer in maps]  # each (n, channels)
    return tf.sqrt(tf.nn.relu(tf.concat(means, axis=1)))  # (n, 1024)
