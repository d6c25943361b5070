"""Which film comes next: batches drawn so that neither class can be told by its source alone, as far as data allow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
import pandas as pd

from covid_model import config
from covid_model.data import dataset
from covid_model.imaging.augment import Augmentation
from covid_model.imaging.preprocessing import Preprocessing, prepare, to_input


def draw(groups: np.ndarray, shares: Mapping[str, float], size: int, rng: np.random.Generator) -> np.ndarray:
    """Row numbers of one batch: a group by its share, then a film of it, evenly.

    Args:
        groups: (n,) the group of each film.
        shares: how often each group is drawn; groups with no film are passed over, the rest scaled to sum to 1.
        size: films in the batch.
    """
    present = [name for name in shares if (groups == name).any()]
    weights = np.array([shares[name] for name in present])
    chosen = rng.choice(len(present), size, p=weights / weights.sum())
    return np.array([rng.choice(np.flatnonzero(groups == present[one])) for one in chosen])


def truths(table: pd.DataFrame) -> np.ndarray:
    """What each film is known to be: (n, 3) float32.

    COVID or not; abnormal (any finding at all) or not; the number of its source, sources in alphabetical order.
    """
    normal = table["finding"].str.lower().isin(config.NORMAL_FINDINGS)
    source = np.unique(table["source"], return_inverse=True)[1]
    return np.column_stack([table["covid"], ~normal, source]).astype(np.float32)


class Stream:
    """Jittered batches, made ahead by threads. Batch `step` is the same in every run with the same seed."""

    def __init__(
        self,
        pixels: list[np.ndarray],
        table: pd.DataFrame,
        shares: Mapping[str, float],
        jitter: Augmentation,
        preprocessing: Preprocessing,
        seed: int,
        size: int | None = None,
    ):
        size = config.BATCH if size is None else size
        self.pixels, self.jitter, self.preprocessing = pixels, jitter, preprocessing
        self.groups, self.truths = dataset.group_names(table).to_numpy(), truths(table)
        self.shares, self.seed, self.size = shares, seed, size

    def batch(self, step: int) -> tuple[np.ndarray, np.ndarray]:
        """Batch number `step`: (size, side, side, 3) float32 inputs and (size, 3) float32 `truths`."""
        rng = np.random.default_rng((self.seed, step))
        rows = draw(self.groups, self.shares, self.size, rng)
        films = [prepare(self.jitter(self.pixels[row], rng), self.preprocessing) for row in rows]
        return to_input(np.stack(films)), self.truths[rows]

    def batches(self, first: int, last: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Batches `first` to `last` (not included), in order, a few of them ahead."""
        with ThreadPoolExecutor(config.READ_AHEAD) as pool:
            ahead: list[Future] = []
            for step in range(first, last):
                ahead.append(pool.submit(self.batch, step))
                if len(ahead) > 2 * config.READ_AHEAD:
                    yield ahead.pop(0).result()
            for waiting in ahead:
                yield waiting.result()
