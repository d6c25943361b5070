"""Similar films: the nearest ones by the features that a network computes, and a map of them all.

A film's features (`ood.pool`, of blocks 4 and 5) are projected on their principal directions, so that a film takes
bytes instead of kilobytes; films are compared by the cosine of these projections. `experiments.features` computes
what this file loads.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from pathlib import Path

import numpy as np

from covid_model import config
from covid_model.model.registry import IMAGENET, NetworkSpec

LEVELS = 127  # of a coordinate, on either side of 0
HIDDEN = "hidden"  # in the file, before the name of a map of `FilmIndex.hidden`


class SimilarityError(ValueError):
    """The file of features cannot be used. The message says why and how to make it again."""


@dataclass(frozen=True)
class FeatureSpace:
    """The projected features of many films, by one base.

    Attributes:
        weights: () SHA-256 of the weights that computed the features.
        center, scale: (d,) float32: mean and standard deviation of the square roots of the features.
        directions: (k, d) float16, orthonormal principal directions.
        codes: (n, k) int8, the films' projections, scaled to length LEVELS.
        places: (n, 2) float32, the films on the map (t-SNE of the projections).
    """

    weights: np.ndarray
    center: np.ndarray
    scale: np.ndarray
    directions: np.ndarray
    codes: np.ndarray
    places: np.ndarray

    def code(self, features: np.ndarray) -> np.ndarray:
        """Return the projections (n, k) int8 of features (n, d), 0 or above."""
        root = np.sqrt(np.maximum(np.asarray(features, np.float32), 0))
        projected = (root - self.center) / self.scale @ self.directions.astype(np.float32).T  # (n, k)
        length = np.linalg.norm(projected, axis=1, keepdims=True)
        return np.rint(LEVELS * projected / np.maximum(length, 1e-9)).astype(np.int8)

    def cosines(self, code: np.ndarray) -> np.ndarray:
        """Return the cosine (n,), in [-1, 1], between a projection (k,) int8 and those of all films."""
        code = code.astype(np.float32)
        codes = self.codes.astype(np.float32)
        return codes @ code / np.maximum(np.linalg.norm(codes, axis=1) * np.linalg.norm(code), 1e-9)


@dataclass(frozen=True)
class FilmMap:
    """The films on a map by features that are not searched: `weights` and `places` as in `FeatureSpace`."""

    weights: np.ndarray
    places: np.ndarray


@dataclass(frozen=True)
class FilmIndex:
    """The films that can be found by similarity.

    Attributes:
        ids: (n,) str, the films.
        spaces: their features, by name of the space (see `space_of`).
        hidden: their map by a head's hidden layer, by name of the network, where the head is all that was trained.
    """

    ids: np.ndarray
    spaces: dict[str, FeatureSpace]
    hidden: dict[str, FilmMap] = field(default_factory=dict)

    @property
    def maps(self) -> dict[str, FeatureSpace | FilmMap]:
        """Return all that has `weights` and `places`, by name: ImageNet's features, then the networks' own."""
        named = self.spaces | self.hidden
        return dict(sorted(named.items(), key=lambda entry: entry[0] != IMAGENET))

    def save(self, path: Path) -> None:
        """Write the index to `path`, an npz."""
        arrays = {"ids": self.ids}
        for name, space in self.spaces.items():
            arrays |= {f"{name}/{part.name}": getattr(space, part.name) for part in fields(space)}
        for name, film_map in self.hidden.items():
            arrays |= {f"{HIDDEN}/{name}/{part.name}": getattr(film_map, part.name) for part in fields(film_map)}
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez_compressed(path, **arrays)

    @classmethod
    def load(cls, path: Path | None = None) -> FilmIndex:
        """Load the index from `path` (default: `config.SIMILARITY_NPZ`).

        Raises:
            SimilarityError: the file is missing or damaged.
        """
        path = config.SIMILARITY_NPZ if path is None else path
        try:
            with np.load(path, allow_pickle=False) as arrays:
                keys = [key.split("/") for key in arrays.files]
                spaces = {
                    name: FeatureSpace(**{part.name: arrays[f"{name}/{part.name}"] for part in fields(FeatureSpace)})
                    for name in dict.fromkeys(key[0] for key in keys if len(key) == 2)
                }
                hidden = {
                    name: FilmMap(**{part.name: arrays[f"{HIDDEN}/{name}/{part.name}"] for part in fields(FilmMap)})
                    for name in dict.fromkeys(key[1] for key in keys if len(key) == 3)
                }
                index = cls(arrays["ids"], spaces, hidden)
        except (OSError, ValueError, KeyError, EOFError) as error:
            raise SimilarityError(
                f"{path} is missing or damaged ({type(error).__name__}). Create it again: "
                "python -m covid_model similarity"
            ) from error
        lengths = [len(space.codes) for space in index.spaces.values()] + [len(each.places) for each in hidden.values()]
        if any(length != len(index.ids) for length in lengths):
            raise SimilarityError(f"{path} is damaged: its numbers of X-rays and ids differ.")
        return index

    def nearest(
        self, space: str, code: np.ndarray, count: int, left_out: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the rows (count,) of the films nearest to a projection, nearest first, and their cosines.

        Args:
            space: a key of `spaces`.
            code: (k,) int8, as `FeatureSpace.code` returns it.
            count: at most as many films.
            left_out: (n,) bool, films not to return, such as those of the same patient.
        """
        cosines = self.spaces[space].cosines(code)
        if left_out is not None:
            cosines = np.where(left_out, -np.inf, cosines)
        rows = np.argsort(-cosines, kind="stable")[:count]
        rows = rows[np.isfinite(cosines[rows])]
        return rows, cosines[rows]

    def row(self, film: str) -> int | None:
        """Return the row of a film, None if it is not in the index."""
        rows = np.flatnonzero(self.ids == film)
        return int(rows[0]) if rows.size else None


def space_of(spec: NetworkSpec) -> str:
    """Return the name of the space of a network's features: all networks on the frozen base share one."""
    return IMAGENET if spec.base == IMAGENET else spec.name
