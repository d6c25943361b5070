"""Out-of-distribution detection: fit the detector on training films, calibrate it on validation films, measure it."""

from __future__ import annotations

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
from covid_model.model.ood import CHANGES, OodDetector, detector_path

DIRECTIONS = 64  # principal components of the training films' features
GROUP = 300  # films of one group that it is fitted on, at most
PENALTY = 1e-2  # C of the logistic regression
RATE = 0.01  # share of validation films above the cut
TAUGHT_FILMS = 240  # training films whose rotated and inverted copies it learns from
CHANGED_FILMS = 200  # test films that are rotated, inverted ... to measure it
SAME_FILMS = 32  # films whose distances are compared between precisions
GOALS = {"genuine": 0.02, "other": 0.95}  # flagged: at most, at least


def run(context: ExperimentContext) -> dict[str, Any]:
    """Fit, store and measure one network's detector. Writes NAME-novelty.npz into `context.networks`."""
    features = Features(context, config.fast_precision())
    groups = dataset.group_names(context.training)
    held_out = context.validation
    fitted_on = sample(groups[~held_out], GROUP, context.seed)
    validation = list(context.training.index[held_out])
    detector = fit(
        features.of_films(fitted_on),
        taught_by(context, fitted_on, features),
        features.of_films(validation),
        groups[held_out],
    )
    file_sha256 = replace(detector, network=np.array(context.spec.sha256)).save(context.name, context.networks)
    detector = OodDetector.load(context.name, context.networks)
    others, refused = other_pictures(context)
    distances = {
        kind: detector.distances(features.of_pictures(many, kind)).max(axis=1) for kind, many in others.items()
    }
    flagged = {kind: values > 1 for kind, values in distances.items()}
    every = np.concatenate(list(flagged.values()))
    return {
        "gate": {
            "file": detector_path(context.name, context.networks).name,
            "sha256": file_sha256,
            "directions": len(detector.directions),
            "rate": RATE,
            "fitted_on": len(fitted_on),
            "taught_by": {"films": min(TAUGHT_FILMS, len(fitted_on)), "changes": list(CHANGES)},
            "cut_on": len(validation),
        },
        "wanted": GOALS,
        "genuine": genuine(context, detector, features),
        "other": {
            kind: {
                "taught": kind in CHANGES,
                "flagged": evaluation.proportion(int(flagged[kind].sum()), flagged[kind].size),
                "median_distance": float(np.median(distances[kind])),
            }
            for kind in others
        },
        "every_other": evaluation.proportion(int(every.sum()), every.size),
        "mean_of_kinds": float(np.mean([flags.mean() for flags in flagged.values()])),
        "refused_by_the_decoder": refused,
        "precision_moves_distance_by": precision_gap(context, detector, features),
    }


def fit(upright: np.ndarray, changed: np.ndarray, validation: np.ndarray, groups: Iterable[str]) -> OodDetector:
    """Return a fitted detector whose `network` is still to be set.

    Args:
        upright: (n, d), pooled features of training films.
        changed: (m, d), of rotated and inverted ones.
        validation: (v, d), of films of other patients, on which the cuts are set.
        groups: (v,), their groups (`dataset.group_names`), which count equally, however few their films.
    """
    from sklearn.decomposition import PCA

    directions = min(DIRECTIONS, len(upright) - 2, upright.shape[1] - 1)
    pca = PCA(directions, svd_solver="randomized", random_state=0).fit(upright)
    arrays = (pca.mean_, pca.components_, pca.explained_variance_, pca.noise_variance_)
    slope, offset = tell_apart(upright, changed)
    cut, network = np.float32(1), np.array("")
    detector = OodDetector(*(np.asarray(array, np.float32) for array in arrays), cut, slope, offset, network)
    groups = np.asarray(list(groups))
    far, turned = detector.distances(validation).T
    scale = cut_of(turned, groups)
    detector = replace(detector, cut=cut_of(far, groups), slope=slope / scale, offset=offset / scale)
    both = cut_of(detector.distances(validation).max(axis=1), groups)
    return replace(detector, cut=detector.cut * both, slope=detector.slope / both, offset=detector.offset / both)


def tell_apart(upright: np.ndarray, changed: np.ndarray) -> tuple[np.ndarray, np.float32]:
    """Return slope (d,) and offset of a logistic regression, shifted to 0 for the mean upright film."""
    from sklearn.linear_model import LogisticRegression

    spread = upright.std(axis=0) + upright.std() / 100
    x = np.concatenate([upright, changed]) / spread
    truth = np.repeat([0, 1], [len(upright), len(changed)])
    model = LogisticRegression(C=PENALTY, class_weight="balanced", max_iter=1000).fit(x, truth)
    slope = (model.coef_[0] / spread).astype(np.float32)
    return slope, np.float32(-(upright @ slope).mean())


def cut_of(values: np.ndarray, groups: np.ndarray, rate: float = RATE) -> np.float32:
    """Return the lowest of `values` (n,) with at most `rate` of the films above it, all groups weighted equally."""
    names, number, count = np.unique(groups, return_inverse=True, return_counts=True)
    order = np.argsort(-values)
    above = np.cumsum(1 / (count[number[order]] * len(names)))  # share of films from the highest down to each
    within = np.flatnonzero(above <= rate + 1e-9)
    return np.float32(values[order[within[-1] + 1 if within.size else 0]])


def taught_by(context: ExperimentContext, films: list[str], features: Features) -> np.ndarray:
    """Return pooled features (m, d) of rotated and inverted copies of some training films."""
    rng = np.random.default_rng(context.seed)
    rows = rng.choice(len(films), min(TAUGHT_FILMS, len(films)), replace=False)
    pixels = [context.pixels(films[row]) for row in rows]
    return np.concatenate(
        [features.of_pictures([change(film) for film in pixels], name) for name, change in CHANGES.items()]
    )


def sample(groups: pd.Series, most: int, seed: int) -> list[str]:
    """Return the ids of at most `most` films of each group, drawn at random, in the order of `groups`."""
    rng = np.random.default_rng(seed)
    rows = [np.flatnonzero(groups == name) for name in sorted(set(groups))]
    drawn = np.concatenate([rng.choice(own, min(most, own.size), replace=False) for own in rows])
    return list(groups.index[np.sort(drawn)])


def genuine(context: ExperimentContext, detector: OodDetector, features: Features) -> list[dict[str, Any]]:
    """Return the share of flagged films for every reported split and source; all are chest X-rays."""
    parts = []
    reported = context.data.films[~context.data.films["split"].isin(config.TRAINING_SPLITS)]
    far, turned = detector.distances(features.of_films(list(reported.index))).T
    distances = pd.Series(np.maximum(far, turned), reported.index)
    for split in dict.fromkeys(reported["split"]):
        whole = reported[reported["split"] == split]
        sources = list(dict.fromkeys(whole["source"]))
        for source in [*([None] if len(sources) > 1 else []), *sources]:
            part = whole if source is None else whole[whole["source"] == source]
            parts.append(
                {
                    "split": split,
                    "source": source,
                    "flagged": share(distances[part.index] > 1, part["patient"]),
                    "median_distance": float(distances[part.index].median()),
                }
            )
    return parts


def other_pictures(context: ExperimentContext) -> tuple[dict[str, list[np.ndarray]], int]:
    """Return images by kind, gray (height, width) uint8, none an upright chest X-ray, and the files refused."""
    rng = np.random.default_rng(context.seed)
    test = context.data.split("test")
    rows = np.sort(rng.choice(len(test), min(CHANGED_FILMS, len(test)), replace=False))
    films = [context.pixels(film) for film in test.index[rows]]
    parts, refused = ood_images.body_parts()
    images = {"photographs": list(ood_images.photographs()), "other body parts": parts}
    images |= {name: [paint(rng) for _ in range(ood_images.DRAWN)] for name, paint in ood_images.PAINTED.items()}
    return images | {name: [change(film) for film in films] for name, change in CHANGES.items()}, refused


def precision_gap(context: ExperimentContext, detector: OodDetector, features: Features) -> float | None:
    """Return the largest change of a distance from the fit's precision to float32; None if these are the same."""
    if features.precision == "float32":
        return None
    films = list(context.data.split("test").index[:SAME_FILMS])
    exact = detector.distances(Features(context, "float32").of_films(films)).max(axis=1)
    return float(np.abs(detector.distances(features.of_films(films)).max(axis=1) - exact).max())


class Features:
    """Pooled features of the detector's LAYERS at one precision; those of films are stored in the work folder."""

    def __init__(self, context: ExperimentContext, precision: str):
        self.precision, self.store = precision, context.outputs(precision)

    def of_films(self, ids: list[str]) -> np.ndarray:
        """Return features (n, d) float32 of the films `ids`."""
        return self.store.get(ids)[1]

    def of_pictures(self, many: Iterable[np.ndarray], name: str) -> np.ndarray:
        """Return features (n, d) float32 of images, each (height, width) uint8."""
        return np.stack([pooled for _, pooled in self.store.predictor.outputs(tqdm(many, name, unit="film"))])
