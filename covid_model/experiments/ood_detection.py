"""Fits the novelty gate on training films, sets its cut on validation films, and measures it on all others."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from tqdm import tqdm

from covid_model import config, evaluation
from covid_model.data import dataset
from covid_model.evaluation.bootstrap import share
from covid_model.experiments import ood_images
from covid_model.experiments.context import ExperimentContext
from covid_model.imaging.preprocessing import batches, prepare, to_input
from covid_model.model import vgg19
from covid_model.model.ood import LAYERS, OodDetector, detector_path, pool

DIRECTIONS = 64  # of the training films' features that the gate knows one by one
GROUP = 1200  # films of one source and truth that it is fitted on, at most
PENALTY = 1e-2  # C of the logistic regression
RATE = 0.01  # share of validation films that lie above the cut
TAUGHT_FILMS = 240  # training films whose turned and inverted copies the gate is taught by
CHANGED_FILMS = 200  # test films that are inverted, turned ... to measure it
SAME_FILMS = 32  # films whose distance is looked at in both precisions
WANTED = {"genuine": 0.02, "other": 0.95}  # at most, at least


def run(case: ExperimentContext) -> dict[str, Any]:
    """Fit, keep and measure the gate of one network. Leaves NAME-novelty.npz in `case.networks`."""
    features = Features(case, config.fast_precision())
    groups = dataset.group_names(case.training)
    held_out = case.validation
    fitted_on = sample(groups[~held_out], GROUP, case.seed)
    validation = list(case.training.index[held_out])
    gate = fit(
        features.of_films(fitted_on),
        taught_by(case, fitted_on, features),
        features.of_films(validation),
        groups[held_out],
    )
    file_sha256 = replace(gate, network=np.array(case.spec.sha256)).save(case.name, case.networks)
    gate = OodDetector.load(case.name, case.networks)
    others, refused = other_pictures(case)
    distances = {kind: gate.distances(features.of_pictures(many, kind)).max(axis=1) for kind, many in others.items()}
    flagged = {kind: found > 1 for kind, found in distances.items()}
    every = np.concatenate(list(flagged.values()))
    return {
        "gate": {
            "file": detector_path(case.name, case.networks).name,
            "sha256": file_sha256,
            "directions": len(gate.directions),
            "rate": RATE,
            "fitted_on": len(fitted_on),
            "taught_by": {"films": min(TAUGHT_FILMS, len(fitted_on)), "changes": list(ood_images.CHANGED)},
            "cut_on": len(validation),
        },
        "wanted": WANTED,
        "genuine": genuine(case, gate, features),
        "other": {
            kind: {
                "taught": kind in ood_images.CHANGED,
                "flagged": evaluation.proportion(int(flagged[kind].sum()), flagged[kind].size),
                "median_distance": float(np.median(distances[kind])),
            }
            for kind in others
        },
        "every_other": evaluation.proportion(int(every.sum()), every.size),
        "mean_of_kinds": float(np.mean([one.mean() for one in flagged.values()])),
        "refused_by_the_decoder": refused,
        "precision_moves_distance_by": precision_gap(case, gate, features),
    }


def fit(upright: np.ndarray, changed: np.ndarray, validation: np.ndarray, groups: Iterable[str]) -> OodDetector:
    """A gate, for a network that is yet to be named in it.

    Args:
        upright: (n, d), pooled features of training films.
        changed: (m, d), of turned and inverted ones.
        validation: (v, d), of films of other patients, at which the cuts are set.
        groups: (v,), the source and truth of each; every group counts alike, however few its films.
    """
    from sklearn.decomposition import PCA

    kept = min(DIRECTIONS, len(upright) - 2, upright.shape[1] - 1)
    found = PCA(kept, svd_solver="randomized", random_state=0).fit(upright)
    arrays = (found.mean_, found.components_, found.explained_variance_, found.noise_variance_)
    slope, offset = tell_apart(upright, changed)
    one, nothing = np.float32(1), np.array("")
    gate = OodDetector(*(np.asarray(array, np.float32) for array in arrays), one, slope, offset, nothing)
    groups = np.asarray(list(groups))
    far, turned = gate.distances(validation).T
    gate = replace(gate, cut=cut_of(far, groups), slope=slope / (rise := cut_of(turned, groups)), offset=offset / rise)
    both = cut_of(gate.distances(validation).max(axis=1), groups)
    return replace(gate, cut=gate.cut * both, slope=gate.slope / both, offset=gate.offset / both)


def tell_apart(upright: np.ndarray, changed: np.ndarray) -> tuple[np.ndarray, np.float32]:
    """Slope (d,) and offset of a logistic regression; shifted to 0 for the mean upright film."""
    from sklearn.linear_model import LogisticRegression

    spread = upright.std(axis=0) + upright.std() / 100
    x = np.concatenate([upright, changed]) / spread
    truth = np.repeat([0, 1], [len(upright), len(changed)])
    model = LogisticRegression(C=PENALTY, class_weight="balanced", max_iter=1000).fit(x, truth)
    slope = (model.coef_[0] / spread).astype(np.float32)
    return slope, np.float32(-(upright @ slope).mean())


def cut_of(values: np.ndarray, groups: np.ndarray, rate: float = RATE) -> np.float32:
    """The lowest of `values` (n,) with at most `rate` of the films above it, every group counting alike."""
    names, number, count = np.unique(groups, return_inverse=True, return_counts=True)
    order = np.argsort(-values)
    above = np.cumsum(1 / (count[number[order]] * len(names)))  # share of films from the highest down to each
    within = np.flatnonzero(above <= rate + 1e-9)
    return np.float32(values[order[within[-1] + 1 if within.size else 0]])


def taught_by(case: ExperimentContext, films: list[str], features: Features) -> np.ndarray:
    """Pooled features (m, d) of turned and inverted copies of some training films."""
    rng = np.random.default_rng(case.seed)
    some = [films[row] for row in rng.choice(len(films), min(TAUGHT_FILMS, len(films)), replace=False)]
    pixels = [case.pixels(film) for film in some]
    found = [features.of_pictures([change(one) for one in pixels], name) for name, change in ood_images.CHANGED.items()]
    return np.concatenate(found)


def sample(groups: pd.Series, most: int, seed: int) -> list[str]:
    """The ids of at most `most` films of each group, in the series' order."""
    rng = np.random.default_rng(seed)
    rows = [np.flatnonzero(groups == name) for name in sorted(set(groups))]
    chosen = np.concatenate([rng.choice(own, min(most, own.size), replace=False) for own in rows])
    return list(groups.index[np.sort(chosen)])


def genuine(case: ExperimentContext, gate: OodDetector, features: Features) -> list[dict[str, Any]]:
    """Flagged films of every reported split and source: films of chests all of them."""
    found = []
    reported = case.data.films[~case.data.films["split"].isin(config.TRAINING_SPLITS)]
    far, turned = gate.distances(features.of_films(list(reported.index))).T
    distances = pd.Series(np.maximum(far, turned), reported.index)
    for split in dict.fromkeys(reported["split"]):
        whole = reported[reported["split"] == split]
        sources = list(dict.fromkeys(whole["source"]))
        for source in [*([None] if len(sources) > 1 else []), *sources]:
            part = whole if source is None else whole[whole["source"] == source]
            found.append(
                {
                    "split": split,
                    "source": source,
                    "flagged": share(distances[part.index] > 1, part["patient"]),
                    "median_distance": float(distances[part.index].median()),
                }
            )
    return found


def other_pictures(case: ExperimentContext) -> tuple[dict[str, list[np.ndarray]], int]:
    """Pictures by kind, grey (height, width) uint8, none an upright chest film; and how many files were refused."""
    rng = np.random.default_rng(case.seed)
    test = case.data.split("test")
    some = test.index[np.sort(rng.choice(len(test), min(CHANGED_FILMS, len(test)), replace=False))]
    films = [case.pixels(film) for film in some]
    parts, refused = ood_images.body_parts()
    found = {"photographs": list(ood_images.photographs()), "other body parts": parts}
    found |= {name: [painted(rng) for _ in range(ood_images.DRAWN)] for name, painted in ood_images.PAINTED.items()}
    return found | {name: [change(one) for one in films] for name, change in ood_images.CHANGED.items()}, refused


def precision_gap(case: ExperimentContext, gate: OodDetector, features: Features) -> float | None:
    """The most by which a distance moves between the precision of the fit and float32; None where they are one."""
    if features.precision == "float32":
        return None
    some = list(case.data.split("test").index[:SAME_FILMS])
    exact = gate.distances(Features(case, "float32").of_films(some)).max(axis=1)
    return float(np.abs(gate.distances(features.of_films(some)).max(axis=1) - exact).max())


class Features:
    """Pooled features of the gate's LAYERS; those of films are kept in the work folder."""

    def __init__(self, case: ExperimentContext, precision: str):
        self.case, self.precision = case, precision
        self._forward = None

    def of_films(self, ids: list[str]) -> np.ndarray:
        """(n, d) float32 of the films `ids`."""
        hashes = [self.case.data.films.at[film, "sha256"] for film in ids]
        facts = [self.case.spec.sha256, self.precision, *LAYERS, *hashes]
        key = hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:16]
        path = self.case.work / "novelty" / f"{key}.npy"
        if not path.is_file():
            path.parent.mkdir(parents=True, exist_ok=True)
            found = self.of_pictures((self.case.pixels(film) for film in ids), "films", len(ids))
            np.save(path.with_suffix(".part.npy"), found.astype(np.float16))
            path.with_suffix(".part.npy").rename(path)
        return np.load(path, allow_pickle=False).astype(np.float32)

    def of_pictures(self, many: Iterable[np.ndarray], name: str, total: int | None = None) -> np.ndarray:
        """(n, d) float32 of pictures (height, width) uint8."""
        prepared = (prepare(one, self.case.spec.preprocessing) for one in tqdm(many, name, total, unit="film"))
        return np.concatenate([self.forward(to_input(group)) for group in batches(prepared)])

    def forward(self, inputs: np.ndarray) -> np.ndarray:
        """(n, size, size, 3) to pooled features (n, d), float32."""
        if self._forward is None:
            import keras
            import tensorflow as tf

            model = vgg19.load(self.case.name, self.case.vgg19, self.case.networks, self.precision)
            below = keras.Model(model.input, [model.get_layer(layer).output for layer in LAYERS])
            shape = tf.TensorSpec([None, *model.input.shape[1:]], tf.float32)
            self._forward = tf.function(lambda x: pool(below(x, training=False)), input_signature=[shape])
        return self._forward(inputs).numpy()
