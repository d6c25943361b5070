"""Robustness: how far a film's score moves under changes that must not matter."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd
from tqdm import tqdm

from covid_model import config
from covid_model.evaluation.bootstrap import share
from covid_model.experiments.context import ExperimentContext
from covid_model.model import robustness
from covid_model.model.robustness import Spread

KIND_COPIES = 5  # of each kind alone
FILMS = {"covid": 24, "adults without covid": 18, "children": 18}


def run(context: ExperimentContext) -> dict[str, Any]:
    """Measure a sample of test films of three groups under each kind of change and under all together."""
    table = sample(context.data.split("test"), FILMS, context.seed)
    spreads: dict[str, list[Spread]] = {name: [] for name in ("all", *robustness.KINDS)}
    for seed, film in enumerate(tqdm(table.index, unit="film", desc="robustness"), context.seed):
        pixels = context.pixels(film)
        spreads["all"].append(robustness.spread(context.predictor, pixels, robustness.COPIES, robustness.ALL, seed))
        for kind, change in robustness.KINDS.items():
            spreads[kind].append(robustness.spread(context.predictor, pixels, KIND_COPIES, change, seed))
    groups = {"every film": np.ones(len(table), bool)} | {
        name: (table["group"] == name).to_numpy() for name in FILMS if (table["group"] == name).any()
    }
    return {
        "films": len(table),
        "copies": {"all": robustness.COPIES, "each kind": KIND_COPIES},
        "changes": {name: asdict(change) for name, change in ({"all": robustness.ALL} | robustness.KINDS).items()},
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
