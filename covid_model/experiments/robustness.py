"""Robustness: how far a film's score moves under changes that must not matter."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
from tqdm import tqdm

from covid_model import config
from covid_model.evaluation.bootstrap import share
from covid_model.experiments.context import ExperimentContext
from covid_model.imaging.augment import Augmentation
from covid_model.model import device
from covid_model.model.predictor import Predictor
from covid_model.model.robustness import ALL, COPIES, copy_scores
from covid_model.verdict import is_positive

KINDS = {
    "rotation": Augmentation(rotation=4.0),
    "shift": Augmentation(shift=0.03),
    "contrast": Augmentation(contrast=0.3, gamma=0.2),
    "jpeg": Augmentation(jpeg=40, each=1.0),
}
KIND_COPIES = 5  # of each kind alone
SMALL = Augmentation(rotation=3.0, shift=0.02, jpeg=80, each=1.0)  # what no reader would notice
SMALL_COPIES = 180
SMALL_FILMS = 12  # of each group: this part takes the longest
WITHIN = 0.05  # how far a score may move under small changes
FILMS = {"covid": 24, "adults without covid": 18, "children": 18}


@dataclass(frozen=True)
class Spread:
    """One film's score and the scores (n,) of its augmented copies, all in [0, 1]."""

    score: float
    scores: np.ndarray
    threshold: float

    @property
    def stays(self) -> float:
        """The share of copies with the same verdict as the film itself, in [0, 1]."""
        same = is_positive(self.scores, self.threshold) == is_positive(self.score, self.threshold)
        return float(same.mean())


def spread(
    predictor: Predictor,
    pixels: np.ndarray,
    n: int = COPIES,
    augmentation: Augmentation = ALL,
    seed: int = 0,
) -> Spread:
    """Score a film and `n` augmented copies of it, as `copy_scores`."""
    (score,) = predictor.scores([pixels])
    return Spread(float(score), copy_scores(predictor, pixels, n, augmentation, seed), predictor.spec.threshold)


def run(context: ExperimentContext) -> dict[str, Any]:
    """Measure a sample of test films of three groups under each kind of change and under all together.

    The network computes in the precision that the app uses.
    """
    precision = device.fast_precision()
    predictor = Predictor(context.name, context.vgg19, precision)
    table = sample(context.data.split("test"), FILMS, context.seed)
    spreads: dict[str, list[Spread]] = {name: [] for name in ("all", *KINDS)}
    for seed, film in enumerate(tqdm(table.index, unit="film", desc="robustness"), context.seed):
        pixels = context.pixels(film)
        spreads["all"].append(spread(predictor, pixels, COPIES, ALL, seed))
        for kind, change in KINDS.items():
            spreads[kind].append(spread(predictor, pixels, KIND_COPIES, change, seed))
    groups = {"every film": np.ones(len(table), bool)} | {
        name: (table["group"] == name).to_numpy() for name in FILMS if (table["group"] == name).any()
    }
    return {
        "films": len(table),
        "precision": precision,
        "small": small_changes(context, predictor),
        "copies": {"all": COPIES, "each kind": KIND_COPIES},
        "changes": {name: asdict(change) for name, change in ({"all": ALL} | KINDS).items()},
        "figures": {
            kind: {
                name: summary(
                    [spread for spread, inside in zip(of_films, rows, strict=True) if inside], table[rows]["patient"]
                )
                for name, rows in groups.items()
            }
            for kind, of_films in spreads.items()
        },
    }


def small_changes(context: ExperimentContext, predictor: Predictor) -> dict[str, Any]:
    """Return how many films keep their score, within WITHIN, in every one of SMALL_COPIES copies, and how many copies.

    The films are drawn from the test set, SMALL_FILMS of each group.
    """
    table = sample(context.data.split("test"), dict.fromkeys(FILMS, SMALL_FILMS), context.seed)
    moves = []
    for seed, film in enumerate(tqdm(table.index, unit="film", desc="small changes"), context.seed):
        measured = spread(predictor, context.pixels(film), SMALL_COPIES, SMALL, seed)
        moves.append(np.abs(measured.scores - measured.score))
    largest = np.array([move.max() for move in moves])
    return {
        "films": len(table),
        "copies": SMALL_COPIES,
        "changes": asdict(SMALL),
        "within": WITHIN,
        "films_within": share(largest <= WITHIN, table["patient"]),
        "copies_within": float(np.mean(np.concatenate(moves) <= WITHIN)),
        "largest_move": {"median": float(np.median(largest)), "ninth_decile": float(np.quantile(largest, 0.9))},
    }


def group_of(table: pd.DataFrame) -> pd.Series:
    """Return the group of FILMS that each film belongs to."""
    children = table["source"].eq(config.CHILDREN)
    names = np.select([table["covid"].eq(1), ~children], ["covid", "adults without covid"], "children")
    return pd.Series(names, index=table.index)


def sample(table: pd.DataFrame, sizes: Mapping[str, int], seed: int) -> pd.DataFrame:
    """Draw films of each group at random (all if there are fewer), in the manifest's order; add `group`."""
    groups = group_of(table)
    rng = np.random.default_rng(seed)
    chosen = set()
    for name, size in sizes.items():
        own = np.flatnonzero(groups == name)
        chosen.update(rng.choice(own, min(size, own.size), replace=False))
    rows = sorted(chosen)
    return table.iloc[rows].assign(group=groups.iloc[rows])


def summary(spreads: list[Spread], patients: pd.Series) -> dict[str, Any]:
    """Return how wide the films' spreads are (highest minus lowest score of a film's copies), and verdict changes."""
    widths = np.array([np.ptp(spread.scores) for spread in spreads])
    moved = np.array([np.abs(spread.scores - spread.score).mean() for spread in spreads])
    return {
        "films": len(spreads),
        "width": {"median": float(np.median(widths)), "ninth_decile": float(np.quantile(widths, 0.9))},
        "mean_move": float(moved.mean()),
        "any_verdict_changes": share([spread.stays < 1 for spread in spreads], patients),
    }
