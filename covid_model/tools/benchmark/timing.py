"""Timings that can be compared on a machine that others use too: all things take turns, round by round."""

from __future__ import annotations

import gc
import random
import statistics
import time
from collections.abc import Callable, Mapping

PAUSE = 0.05  # seconds between two measurements: threads of the one before that still spin come to rest


class Timings:
    """Seconds that each thing took, one number a round; numbers of one round are a few seconds apart.

    Args:
        seconds: by the clock on the wall.
        work: of processor time, all threads together, which other processes do not lengthen; where it was taken.
    """

    def __init__(self, seconds: Mapping[str, list[float]], work: Mapping[str, list[float]] | None = None):
        self.seconds, self.work = dict(seconds), dict(work or {})

    def median(self, name: str) -> float:
        """Seconds, the median over the rounds."""
        return statistics.median(self.seconds[name])

    def ratio(self, over: str, under: str) -> float:
        """How often `under` fits into `over`: the median of the rounds' own ratios, which a busy spell moves little."""
        return _ratio(self.seconds[over], self.seconds[under])

    def work_ratio(self, over: str, under: str) -> float:
        """The same ratio of processor time: what counts where others keep the processor busy."""
        return _ratio(self.work[over], self.work[under])


def _ratio(over: list[float], under: list[float]) -> float:
    return statistics.median(one / other for one, other in zip(over, under, strict=True))


def interleaved(things: Mapping[str, Callable[[], object]], rounds: int, warm: int = 2) -> Timings:
    """Time `things`, in an order drawn anew each round.

    Args:
        things: what to call, by name.
        rounds: how often each is timed.
        warm: how often each is called before, untimed.
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
