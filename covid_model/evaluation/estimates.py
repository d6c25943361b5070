"""A figure and how far it could be off."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

LEVEL = 0.95  # of every interval
DRAWS = 1000  # bootstrap samples
SEED = 0
_CHUNK = 2_000_000  # weights held at a time while bootstrapping: 16 MB


@dataclass(frozen=True)
class Estimate:
    """A value with its interval, all in the value's own unit; None where it cannot be computed.

    `count` and `total` are there where the value is a share of films: `count` of `total`.
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    count: int | None = None
    total: int | None = None

    def __bool__(self) -> bool:
        return self.value is not None


def proportion(count: int, total: int, level: float = LEVEL) -> Estimate:
    """`count` of `total` with Wilson's score interval (Wilson 1927, doi 10.1080/01621459.1927.10502953).

    Raises ValueError where `count` is not in 0 ... `total`. Nothing of nothing is an Estimate without a value.
    """
    if not 0 <= count <= total:
        raise ValueError(f"Expected 0 <= count <= total. Received: count={count}, total={total}")
    if total == 0:
        return Estimate(None, count=0, total=0)
    from scipy.stats import binomtest

    interval = binomtest(int(count), int(total)).proportion_ci(level, method="wilson")
    return Estimate(count / total, float(interval.low), float(interval.high), int(count), int(total))


def percentile_interval(value: float | None, draws: np.ndarray, level: float = LEVEL) -> Estimate:
    """`value` with the middle `level` of its bootstrap `draws` (n,); draws that are NaN are left out."""
    if value is None or np.isnan(value):
        return Estimate(None)
    draws = draws[~np.isnan(draws)]
    if draws.size == 0:
        return Estimate(float(value))
    low, high = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2])
    return Estimate(float(value), float(low), float(high))


def resample(films: int, patients: np.ndarray | None, draws: int = DRAWS, seed: int = SEED) -> Iterator[np.ndarray]:
    """How often each film stands in each bootstrap sample: chunks (some draws, films), `draws` rows in all.

    With `patients` (films,), whole patients are drawn (cluster bootstrap): films of one patient look alike, and to
    draw them one by one would make the interval too narrow.
    """
    generator = np.random.default_rng(seed)
    if patients is None:
        member = np.arange(films)
    else:
        _, member = np.unique(np.asarray(patients).astype(str), return_inverse=True)
        if member.shape != (films,):
            raise ValueError(f"Expected one patient a film ({films}). Received: {member.shape}")
    clusters = int(member.max()) + 1 if films else 0
    if clusters == 0:
        return
    share = np.full(clusters, 1 / clusters)
    size = max(1, _CHUNK // films)
    for start in range(0, draws, size):
        yield generator.multinomial(clusters, share, size=min(size, draws - start))[:, member]


def bootstrap(
    statistic: Callable[[np.ndarray], dict[str, np.ndarray]],
    films: int,
    patients: np.ndarray | None = None,
    draws: int = DRAWS,
    seed: int = SEED,
) -> dict[str, np.ndarray]:
    """Each statistic over `draws` samples: name -> (draws,). `statistic` turns weights (n, films) into name -> (n,)."""
    parts = [statistic(weights) for weights in resample(films, patients, draws, seed)]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]} if parts else {}
