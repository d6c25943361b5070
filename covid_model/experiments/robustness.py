"""Robustness: how far the score of one film moves under changes that must not matter."""

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


def run(case: ExperimentContext) -> dict[str, Any]:
    """A sample of test films of three groups, under each kind of change and under all together."""
    table = sample(case.data.split("test"), FILMS, case.seed)
    spreads: dict[str, list[Spread]] = {name: [] for name in ("all", *robustness.KINDS)}
    for number, film in enumerate(tqdm(table.index, unit="film", desc="robustness")):
        pixels = case.pixels(film)
        spreads["all"].append(
            robustness.spread(case.predictor, pixels, robustness.COPIES, robustness.ALL, case.seed + number)
        )
        for kind, jitter in robustness.KINDS.items():
            spreads[kind].append(robustness.spread(case.predictor, pixels, KIND_COPIES, jitter, case.seed + number))
    groups = {"every film": np.ones(len(table), bool)} | {
        name: (table["group"] == name).to_numpy() for name in FILMS if (table["group"] == name).any()
    }
    return {
        "films": len(table),
        "copies": {"all": robustness.COPIES, "each kind": KIND_COPIES},
        "changes": {name: asdict(jitter) for name, jitter in ({"all": robustness.ALL} | robustness.KINDS).items()},
        "figures": {
            kind: {
                name: summary([one for one, inside in zip(found, of, strict=True) if inside], table[of]["patient"])
                for name, of in groups.items()
            }
            for kind, found in spreads.items()
        },
    }


def group_of(table: pd.DataFrame) -> pd.Series:
    """Which group of FILMS each film is in."""
    children = table["source"].eq(config.CHILDREN)
    names = np.select([table["covid"].eq(1), ~children], ["covid", "adults without covid"], "children")
    return pd.Series(names, index=table.index)


def sample(table: pd.DataFrame, sizes: Mapping[str, int], seed: int) -> pd.DataFrame:
    """So many films of each group (all, where there are fewer), at random, in the manifest's order; adds `group`."""
    groups = group_of(table)
    rng = np.random.default_rng(seed)
    chosen = set()
    for name, size in sizes.items():
        own = np.flatnonzero(groups == name)
        chosen.update(rng.choice(own, min(size, own.size), replace=False))
    rows = sorted(chosen)
    return table.iloc[rows].assign(group=groups.iloc[rows])


def summary(spreads: list[Spread], patients: pd.Series) -> dict[str, Any]:
    """Of films' spreads: widths (highest less lowest score of a film's copies) and verdicts that change."""
    widths = np.array([np.ptp(one.scores) for one in spreads])
    moved = np.array([np.abs(one.scores - one.score).mean() for one in spreads])
    return {
        "films": len(spreads),
        "width": {"median": float(np.median(widths)), "ninth_decile": float(np.quantile(widths, 0.9))},
        "mean_move": float(moved.mean()),
        "any_verdict_changes": share([one.stays < 1 for one in spreads], patients),
    }
