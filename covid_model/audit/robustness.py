"""Robustness: how far the score of one film moves under changes that must not matter."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
from tqdm import tqdm

from covid_model import settings
from covid_model.audit.case import Case
from covid_model.audit.figures import share
from covid_model.films import Film
from covid_model.jitter import Jitter
from covid_model.reading import Reader

KINDS = {
    "rotation": Jitter(rotation=4.0),
    "shift": Jitter(shift=0.03),
    "contrast": Jitter(contrast=0.3, gamma=0.2),
    "jpeg": Jitter(jpeg=40, each=1.0),
}
ALL = Jitter(rotation=4.0, shift=0.03, contrast=0.3, gamma=0.2, jpeg=40, each=0.5)
COPIES = 16  # jittered copies of a film
BATCH = 4  # copies read in one pass: more are not faster, and a server has not the memory
KIND_COPIES = 5  # of each kind alone
FILMS = {"covid": 24, "adults without covid": 18, "children": 18}


@dataclass(frozen=True)
class Spread:
    """One film's score and the scores (n,) of its jittered copies, all in [0, 1]."""

    score: float
    scores: np.ndarray
    threshold: float

    @property
    def low(self) -> float:
        """Nine copies in ten score above it."""
        return float(np.quantile(self.scores, 0.1))

    @property
    def high(self) -> float:
        """Nine copies in ten score below it."""
        return float(np.quantile(self.scores, 0.9))

    @property
    def stays(self) -> float:
        """The share of copies with the same verdict as the film itself."""
        return float(((self.scores > self.threshold) == (self.score > self.threshold)).mean())


def spread(reader: Reader, film: Film | np.ndarray, n: int = COPIES, jitter: Jitter = ALL, seed: int = 0) -> Spread:
    """How far the score of `film` moves: `n` jittered copies, a few in one pass. The same seed gives the same copies.

    Raises ValueError where n is below 1.
    """
    if n < 1:
        raise ValueError(f"n is at least 1. Received: {n!r}.")
    pixels = film.pixels if isinstance(film, Film) else film
    rng = np.random.default_rng(seed)
    found = np.array(list(reader.scores([pixels, *(jitter(pixels, rng) for _ in range(n))], BATCH)))
    return Spread(float(found[0]), found[1:], reader.spec.threshold)


def run(case: Case) -> dict[str, Any]:
    """A sample of test films of three groups, under each kind of change and under all together."""
    table = sample(case.data.split("test"), FILMS, case.seed)
    spreads: dict[str, list[Spread]] = {name: [] for name in ("all", *KINDS)}
    for number, film in enumerate(tqdm(table.index, unit="film", desc="robustness")):
        pixels = case.pixels(film)
        spreads["all"].append(spread(case.reader, pixels, COPIES, ALL, case.seed + number))
        for kind, jitter in KINDS.items():
            spreads[kind].append(spread(case.reader, pixels, KIND_COPIES, jitter, case.seed + number))
    groups = {"every film": np.ones(len(table), bool)} | {
        name: (table["group"] == name).to_numpy() for name in FILMS if (table["group"] == name).any()
    }
    return {
        "films": len(table),
        "copies": {"all": COPIES, "each kind": KIND_COPIES},
        "changes": {name: asdict(jitter) for name, jitter in ({"all": ALL} | KINDS).items()},
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
    children = table["source"].eq(settings.CHILDREN)
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
