"""Estimates with confidence intervals: Wilson's, and the bootstrap by film or by patient."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

LEVEL = 0.95  # of every interval
DRAWS = 1000  # bootstrap samples
SEED = 0
_CHUNK = 2_000_000  # weights in memory at a time while bootstrapping: 16 MB


@dataclass(frozen=True)
class Estimate:
    """A value with its confidence interval, in the value's unit; None if it is undefined.

    If the value is a share of films, it is `count` of `total`.
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    count: int | None = None
    total: int | None = None

    def __bool__(self) -> bool:
        return self.value is not None


def proportion(count: int, total: int, level: float = LEVEL) -> Estimate:
    """Return `count` of `total` with Wilson's score interval (Wilson 1927, doi 10.1080/01621459.1927.10502953).

    The value is None if `total` is 0. Raises ValueError if `count` is not in 0 ... `total`.
    """
    if not 0 <= count <= total:
        raise ValueError(f"Expected 0 <= count <= total. Received: count={count}, total={total}")
    if total == 0:
        return Estimate(None, count=0, total=0)
    from scipy.stats import binomtest

    interval = binomtest(int(count), int(total)).proportion_ci(level, method="wilson")
    return Estimate(count / total, float(interval.low), float(interval.high), int(count), int(total))


def percentile_interval(value: float | None, draws: np.ndarray, level: float = LEVEL) -> Estimate:
    """Return `value` with the middle `level` of its bootstrap `draws` (n,), ignoring NaN."""
    if value is None or np.isnan(value):
        return Estimate(None)
    draws = draws[~np.isnan(draws)]
    if draws.size == 0:
        return Estimate(float(value))
    low, high = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2])
    return Estimate(float(value), float(low), float(high))


@dataclass(frozen=True)
class Band:
    """Values along an axis with their intervals: (n,) each, NaN if undefined."""

    value: np.ndarray
    low: np.ndarray
    high: np.ndarray


def band(rows: np.ndarray, level: float = LEVEL) -> Band:
    """Return `rows[0]` (n,) with intervals from its bootstrap draws `rows[1:]` (draws, n), ignoring NaN."""
    draws = rows[1:]
    if not len(draws):
        undefined = np.full(rows.shape[1], np.nan)
        return Band(rows[0], undefined, undefined)
    limits = ((1 - level) / 2, (1 + level) / 2)
    missing = np.isnan(draws)
    if missing.any():  # slower; a column of only NaN stays NaN, without NumPy's warning
        known = np.where(missing.all(axis=0), 0, draws)
        low, high = np.where(missing.all(axis=0), np.nan, np.nanquantile(known, limits, axis=0))
    else:
        low, high = np.quantile(draws, limits, axis=0)
    return Band(rows[0], low, high)


def clustered_share(count: int, total: int, draws: np.ndarray, patients: int, level: float = LEVEL) -> Estimate:
    """Return `count` of `total` films with an interval by patient: the middle `level` of its bootstrap `draws` (n,).

    If none or all of the films count, so they do in every draw, and the interval would have no width. It is then
    Wilson's for as many `patients`, none or all of whom count.
    """
    if total == 0:
        return Estimate(None, count=0, total=0)
    if count in (0, total):
        alike = proportion(patients if count else 0, patients, level)
        return Estimate(count / total, alike.low, alike.high, count, total)
    interval = percentile_interval(count / total, draws, level)
    return Estimate(interval.value, interval.low, interval.high, count, total)


def cluster(films: int, patients: np.ndarray | None) -> np.ndarray:
    """Return the index of each film's patient, (films,); without `patients`, each film is its own cluster."""
    if patients is None:
        return np.arange(films)
    _, member = np.unique(np.asarray(patients).astype(str), return_inverse=True)
    if member.shape != (films,):
        raise ValueError(f"Expected one patient a film ({films}). Received: {member.shape}")
    return member


def draw(clusters: int, draws: int, seed: int, at_once: int) -> Iterator[np.ndarray]:
    """Yield how often each bootstrap sample contains each cluster, in chunks (at most `at_once`, clusters)."""
    generator, share = np.random.default_rng(seed), np.full(clusters, 1 / clusters)
    for start in range(0, draws, at_once):
        yield generator.multinomial(clusters, share, size=min(at_once, draws - start))


def resample(films: int, patients: np.ndarray | None, draws: int = DRAWS, seed: int = SEED) -> Iterator[np.ndarray]:
    """Yield how often each bootstrap sample contains each film, in chunks (some draws, films), `draws` rows in total.

    With `patients` (films,), whole patients are drawn (cluster bootstrap): films of one patient look alike, and drawing
    them one by one would make the interval too narrow.
    """
    if films == 0:
        return
    member = cluster(films, patients)
    for weights in draw(int(member.max()) + 1, draws, seed, max(1, _CHUNK // films)):
        yield weights[:, member]


def bootstrap(
    statistic: Callable[[np.ndarray], dict[str, np.ndarray]],
    films: int,
    patients: np.ndarray | None = None,
    draws: int = DRAWS,
    seed: int = SEED,
) -> dict[str, np.ndarray]:
    """Return each statistic of `draws` samples: name -> (draws,). `statistic`: weights (n, films) to name -> (n,)."""
    parts = [statistic(weights) for weights in resample(films, patients, draws, seed)]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]} if parts else {}


def share(hits: ArrayLike, patients: ArrayLike, draws: int = DRAWS) -> Estimate:
    """Return the share of films that `hits` (n,) marks, with a bootstrap interval by patient (n,)."""
    hits, patients = np.asarray(hits, bool), np.asarray(patients).astype(str)
    drawn = drawn_mean(hits.astype(np.float64), patients, draws)
    return clustered_share(int(hits.sum()), hits.size, drawn, len(np.unique(patients)))


def drawn_mean(values: np.ndarray, patients: np.ndarray, draws: int = DRAWS) -> np.ndarray:
    """Return the mean of `values` (n,) in each bootstrap sample of patients: (draws,)."""
    drawn = bootstrap(lambda weights: {"mean": weights @ values / weights.sum(axis=1)}, values.size, patients, draws)
    return drawn.get("mean", np.empty(0))
