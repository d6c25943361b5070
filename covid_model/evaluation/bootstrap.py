"""A figure and how far it could be off."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

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


@dataclass(frozen=True)
class Band:
    """Values along an axis with their intervals: (n,) each, NaN where there is none."""

    value: np.ndarray
    low: np.ndarray
    high: np.ndarray


def band(rows: np.ndarray, level: float = LEVEL) -> Band:
    """`rows` (1 + draws, n): the values, and below them what they are in each bootstrap sample; NaN is left out."""
    draws = rows[1:]
    if not len(draws):
        nothing = np.full(rows.shape[1], np.nan)
        return Band(rows[0], nothing, nothing)
    limits = ((1 - level) / 2, (1 + level) / 2)
    bare = np.isnan(draws)
    if bare.any():  # the slower way; a column of nothing but NaN stays NaN, without a warning
        known = np.where(bare.all(axis=0), 0, draws)
        low, high = np.where(bare.all(axis=0), np.nan, np.nanquantile(known, limits, axis=0))
    else:
        low, high = np.quantile(draws, limits, axis=0)
    return Band(rows[0], low, high)


def clustered_share(count: int, total: int, draws: np.ndarray, patients: int, level: float = LEVEL) -> Estimate:
    """`count` of `total` films with an interval by patient: the middle `level` of the share's bootstrap `draws` (n,).

    Where all films agree (none or all count), every draw does too and would promise certainty: the interval is then
    Wilson's for as many `patients`, all agreeing.
    """
    if total == 0:
        return Estimate(None, count=0, total=0)
    if count in (0, total):
        alike = proportion(patients if count else 0, patients, level)
        return Estimate(count / total, alike.low, alike.high, count, total)
    found = percentile_interval(count / total, draws, level)
    return Estimate(found.value, found.low, found.high, count, total)


def cluster(films: int, patients: np.ndarray | None) -> np.ndarray:
    """The number of each film's patient, (films,) from 0 on; without `patients` each film is its own."""
    if patients is None:
        return np.arange(films)
    _, member = np.unique(np.asarray(patients).astype(str), return_inverse=True)
    if member.shape != (films,):
        raise ValueError(f"Expected one patient a film ({films}). Received: {member.shape}")
    return member


def draw(clusters: int, draws: int, seed: int, at_once: int) -> Iterator[np.ndarray]:
    """How often each of `clusters` stands in each bootstrap sample: chunks (at most `at_once`, clusters)."""
    generator, share = np.random.default_rng(seed), np.full(clusters, 1 / clusters)
    for start in range(0, draws, at_once):
        yield generator.multinomial(clusters, share, size=min(at_once, draws - start))


def resample(films: int, patients: np.ndarray | None, draws: int = DRAWS, seed: int = SEED) -> Iterator[np.ndarray]:
    """How often each film stands in each bootstrap sample: chunks (some draws, films), `draws` rows in all.

    With `patients` (films,), whole patients are drawn (cluster bootstrap): films of one patient look alike, and to
    draw them one by one would make the interval too narrow.
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
    """Each statistic over `draws` samples: name -> (draws,). `statistic` turns weights (n, films) into name -> (n,)."""
    parts = [statistic(weights) for weights in resample(films, patients, draws, seed)]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]} if parts else {}


def share(hits: ArrayLike, patients: ArrayLike, draws: int = DRAWS) -> Estimate:
    """The share of films that `hits` (n,) marks, with an interval by patient (n,): `clustered_share` of a bootstrap."""
    hits, patients = np.asarray(hits, bool), np.asarray(patients).astype(str)
    drawn = drawn_mean(hits.astype(np.float64), patients, draws)
    return clustered_share(int(hits.sum()), hits.size, drawn, len(np.unique(patients)))


def drawn_mean(values: np.ndarray, patients: np.ndarray, draws: int = DRAWS) -> np.ndarray:
    """The mean of `values` (n,) in each bootstrap sample of patients."""
    drawn = bootstrap(lambda weights: {"mean": weights @ values / weights.sum(axis=1)}, values.size, patients, draws)
    return drawn.get("mean", np.empty(0))
