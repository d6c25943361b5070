"""Timings that remain comparable on a shared machine: all candidates take turns, round by round."""

from __future__ import annotations

import gc
import random
import statistics
import time
from collections.abc import Callable, Mapping

PAUSE = 0.05  # seconds between two measurements, so that spinning threads of the previous one come to rest


class Timings:
    """Seconds of each candidate, one value per round; the values of a round are a few seconds apart.

    Args:
        seconds: wall time.
        work: processor time of all threads, which other processes do not lengthen; empty if not measured.
    """

    def __init__(self, seconds: Mapping[str, list[float]], work: Mapping[str, list[float]] | None = None):
        self.seconds, self.work = dict(seconds), dict(work or {})

    def median(self, name: str) -> float:
        """Return the median over the rounds, in seconds."""
        return statistics.median(self.seconds[name])

    def ratio(self, over: str, under: str) -> float:
        """Return `over` / `under`: the median of the ratios within rounds, which is robust to load from others."""
        return _ratio(self.seconds[over], self.seconds[under])

    def work_ratio(self, over: str, under: str) -> float:
        """Return the same ratio for processor time, which is robust on a busy machine."""
        return _ratio(self.work[over], self.work[under])


def _ratio(over: list[float], under: list[float]) -> float:
    return statistics.median(numerator / denominator for numerator, denominator in zip(over, under, strict=True))


def interleaved(things: Mapping[str, Callable[[], object]], rounds: int, warm: int = 2) -> Timings:
    """Time `things`, in a new random order each round.

    Args:
        things: functions by name.
        rounds: number of timings of each.
        warm: number of untimed calls of each beforehand.
    """
    for thing in things.values():
        for _ in range(warm):
            thing()
    order, draw = list(things), random.Random(0)
    seconds: dict[str, list[float]] = {name: [] for name in things}
    work: dict[str, list[float]] = {name: [] for name in things}
    gc.collect()
    for _ in range(rounds):
        draw.shuffle(order)
        for name in order:
            time.sleep(PAUSE)
            started, worked = time.perf_counter(), time.process_time()
            things[name]()
            work[name].append(time.process_time() - worked)
            seconds[name].append(time.perf_counter() - started)
    return Timings(seconds, work)
