"""Batches for fine-tuning: each group of films drawn by its share, each film augmented anew.

A group is a source and a label ("siim 1"), so the shares decide how much the source alone reveals about the class.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from covid_model import config
from covid_model.data import dataset
from covid_model.imaging.augment import Augmentation
from covid_model.imaging.preprocessing import Preprocessing, prepare, to_input

Targets = dict[str, np.ndarray]  # by output: "covid" and "abnormal", each (batch,)


def targets(table: pd.DataFrame) -> tuple[Targets, Targets]:
    """Return what each film teaches and how much it counts.

    Args:
        table: one row a film, with `covid` (0, 1 or NaN), `finding` and, where films have them, `panel` readings.

    Returns:
        The targets of both outputs, (n,) float32: `covid`, and `abnormal`, which is 1 for any finding at all.
        Their sample weights, (n,) float32. `covid` counts 0 where the label is unknown. Both count 0 where a panel of
        radiologists read a film of a COVID-19 patient as negative: such a film cannot teach what COVID-19 looks like.
    """
    normal = table["finding"].str.lower().isin(config.NORMAL_FINDINGS)
    panel = table.get("panel", pd.Series(None, table.index, object))  # only one source has readings by a panel
    disputed = table["covid"].eq(1) & panel.eq("negative")
    labeled = table["covid"].notna() & ~disputed
    covid = table["covid"].fillna(0).to_numpy(np.float32)
    abnormal = (~normal).to_numpy(np.float32)
    weights = {"covid": labeled.to_numpy(np.float32), "abnormal": (~disputed).to_numpy(np.float32)}
    return {"covid": covid, "abnormal": abnormal}, weights


class FilmSampler:
    """Draws batches of augmented films. The same seed, epoch and index always give the same batch.

    Args:
        pixels: the decoded films, each (height, width) uint8, in the order of `table`.
        table: one row a film, with `source` and the columns that `targets` needs.
        shares: how often each group is drawn. Groups without a film are left out, and the rest are scaled to sum to 1.
        batch: films in a batch.
    """

    def __init__(
        self,
        pixels: Sequence[np.ndarray],
        table: pd.DataFrame,
        shares: Mapping[str, float],
        augment: Augmentation,
        preprocessing: Preprocessing,
        batch: int,
        seed: int,
    ):
        self.pixels, self.augment, self.preprocessing = pixels, augment, preprocessing
        self.targets, self.weights = targets(table)
        groups = dataset.group_names(table).to_numpy()
        self.rows = [np.flatnonzero(groups == name) for name in shares if (groups == name).any()]
        present = np.array([share for name, share in shares.items() if (groups == name).any()])
        self.shares = present / present.sum()
        self.batch, self.seed, self.epoch = batch, seed, 0

    def draw(self, rng: np.random.Generator) -> np.ndarray:
        """Return the row numbers of one batch (batch,): for each film a group by its share, then any film of it."""
        groups = rng.choice(len(self.rows), self.batch, p=self.shares)
        return np.array([rng.choice(self.rows[group]) for group in groups])

    def make_batch(self, index: int) -> tuple[np.ndarray, Targets, Targets]:
        """Return batch `index` of this epoch: inputs (batch, size, size, 3), targets and sample weights (batch,)."""
        rng = np.random.default_rng((self.seed, self.epoch, index))
        rows = self.draw(rng)
        return self.inputs(rows, rng), *(
            {name: array[rows] for name, array in part.items()} for part in (self.targets, self.weights)
        )

    def inputs(self, rows: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return the films in `rows` (batch,), each augmented anew: (batch, size, size, 3) float32."""
        films = [prepare(self.augment(self.pixels[row], rng), self.preprocessing) for row in rows]
        return to_input(np.stack(films))  # (batch, size, size, 3)
