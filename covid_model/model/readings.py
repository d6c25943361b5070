"""Stored predictions of the sample films: pages show them at once, and without VGG-19's weights.

`assets/results/readings.npz` is written by `python -m covid_model readings`. A prediction belongs to a film's SHA-256
and to a network's weights, preprocessing and out-of-distribution detector; if any of them changes, it is not used.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
import zlib
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from covid_model import config
from covid_model.imaging import Film
from covid_model.model import ood
from covid_model.model.predictor import Prediction, sigmoid
from covid_model.verdict import OutOfDistribution

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from covid_model.model.registry import NetworkSpec

FINGERPRINT_SIDE = 8  # a fingerprint has this many bits squared
SAME_PICTURE = 2  # bits in which the fingerprints of one picture may differ, encoded twice
_ARRAYS = ("logits", "heatmaps", "ood_distances", "ood_reasons")  # of one network


@dataclass(frozen=True)
class Readings:
    """One network's stored predictions of n films.

    Attributes:
        spec: The network.
        ids: Id of each film.
        digests: SHA-256 of each film's file.
        fingerprints: (n,) uint64, of `fingerprint`.
        logits: (n,) float32.
        heatmaps: (n, h, w) float16 in [-1, 1].
        ood_distances: (n,) float32, NaN without a detector.
        ood_reasons: (n,) of OutOfDistribution's values, "" for none.
    """

    spec: NetworkSpec
    ids: tuple[str, ...] = ()
    digests: tuple[str, ...] = ()
    fingerprints: np.ndarray = field(default_factory=lambda: np.zeros(0, np.uint64))
    logits: np.ndarray = field(default_factory=lambda: np.zeros(0, np.float32))
    heatmaps: np.ndarray = field(default_factory=lambda: np.zeros((0, 1, 1), np.float16))
    ood_distances: np.ndarray = field(default_factory=lambda: np.zeros(0, np.float32))
    ood_reasons: np.ndarray = field(default_factory=lambda: np.zeros(0, "U1"))

    def find(self, digest: str) -> int | None:
        """Return the row of the film whose file has this SHA-256; None if there is none."""
        return self.digests.index(digest) if digest in self.digests else None

    def find_picture(self, film_id: str, pixels: np.ndarray) -> int | None:
        """Return the row of the film `film_id` if `pixels` show its picture, even if its file was encoded elsewhere.

        A film that is downloaded is converted by this computer's Pillow, whose JPEG encoder may write other bytes.
        """
        if film_id not in self.ids:
            return None
        row = self.ids.index(film_id)
        bits = int(self.fingerprints[row]) ^ int(fingerprint(pixels))
        return row if bits.bit_count() <= SAME_PICTURE else None

    def prediction(self, row: int, film: Film) -> Prediction:
        """Return the stored prediction in `row`, as `Predictor.predict` returned it for `film`."""
        logit, distance, reason = float(self.logits[row]), float(self.ood_distances[row]), str(self.ood_reasons[row])
        return Prediction(
            network=self.spec.name,
            score=float(sigmoid(logit)),
            logit=logit,
            heatmap=self.heatmaps[row].astype(np.float32),
            box=self.spec.preprocessing.box,
            warnings=film.warnings,
            milliseconds=0.0,
            ood_distance=None if np.isnan(distance) else distance,
            ood_reason=OutOfDistribution(reason) if reason else None,
            in_color=film.in_color,
            stored=True,
        )

    def scores(self) -> dict[str, float]:
        """Return every film's score by id."""
        return dict(zip(self.ids, map(float, sigmoid(self.logits)), strict=True))

    def heatmap(self, film_id: str) -> np.ndarray | None:
        """Return the heatmap (h, w) float32 in [-1, 1] of the film `film_id`; None if it is not stored."""
        return self.heatmaps[self.ids.index(film_id)].astype(np.float32) if film_id in self.ids else None


def key(spec: NetworkSpec) -> str:
    """Return what identifies a network's predictions: its weights, preprocessing and out-of-distribution detector."""
    detector = ood.detector_path(spec.name)
    rest = json.dumps(asdict(spec.preprocessing), sort_keys=True).encode()
    rest += detector.read_bytes() if detector.is_file() else b""
    return f"{spec.sha256}-{hashlib.sha256(rest).hexdigest()[:16]}"


def fingerprint(pixels: np.ndarray) -> np.uint64:
    """Return the difference hash of a picture (h, w) uint8: whether each cell is brighter than its left neighbor."""
    small = cv2.resize(pixels, (FINGERPRINT_SIDE + 1, FINGERPRINT_SIDE), interpolation=cv2.INTER_AREA).astype(int)
    bits = (small[:, 1:] > small[:, :-1]).ravel()  # (64,)
    return np.packbits(bits).view(">u8").astype(np.uint64)[0]


def load(spec: NetworkSpec, path: Path | None = None) -> Readings:
    """Load a network's stored predictions; none if they are missing, stale or damaged: the network can always run."""
    path = config.READINGS_NPZ if path is None else path
    name = key(spec)
    try:
        with np.load(path, allow_pickle=False) as file:
            if name not in file["networks"]:
                return Readings(spec)
            ids, digests = tuple(map(str, file["ids"])), tuple(map(str, file["digests"]))
            stored = Readings(spec, ids, digests, file["fingerprints"], *(file[f"{name}/{what}"] for what in _ARRAYS))
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error):
        return Readings(spec)
    arrays = (digests, stored.fingerprints, *(getattr(stored, what) for what in _ARRAYS))
    return stored if {len(array) for array in arrays} == {len(ids)} else Readings(spec)


def save(
    films: Sequence[tuple[str, str, np.ndarray]],
    predictions: Mapping[str, Sequence[Prediction]],
    path: Path | None = None,
) -> None:
    """Write predictions.

    Args:
        films: Id, SHA-256 and pixels (h, w) uint8 of each film.
        predictions: By `key` of the network, one for each film.
        path: Defaults to `config.READINGS_NPZ`.
    """
    path = config.READINGS_NPZ if path is None else path
    arrays = {
        "ids": np.array([film for film, _, _ in films]),
        "digests": np.array([digest for _, digest, _ in films]),
        "fingerprints": np.array([fingerprint(pixels) for *_, pixels in films], np.uint64),
        "networks": np.array(list(predictions)),
    }
    for name, made in predictions.items():
        distances = [np.nan if one.ood_distance is None else one.ood_distance for one in made]
        arrays[f"{name}/logits"] = np.array([one.logit for one in made], np.float32)
        arrays[f"{name}/heatmaps"] = np.array([one.heatmap for one in made], np.float16)
        arrays[f"{name}/ood_distances"] = np.array(distances, np.float32)
        arrays[f"{name}/ood_reasons"] = np.array([one.ood_reason.value if one.ood_reason else "" for one in made])
    part = path.with_name(f"{path.stem}.part.npz")
    np.savez_compressed(part, **arrays)
    part.replace(path)
