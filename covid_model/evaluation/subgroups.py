"""The same figures for parts of the films: adults without COVID-19, splits, sources."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from covid_model import config
from covid_model.evaluation.bootstrap import Estimate, proportion
from covid_model.evaluation.confusion import check
from covid_model.evaluation.metrics import area_intervals
from covid_model.evaluation.threshold_sweep import ThresholdSweep, sweep
from covid_model.verdict import is_positive


def adults_without_covid(
    scores: ArrayLike, covid: ArrayLike, source: ArrayLike, threshold: float, children: str | None = None
) -> Estimate:
    """Of the films without COVID-19 from any source but the children's, the share called positive."""
    children = config.CHILDREN if children is None else children
    scores, truth = check(scores, covid)
    adults = ~truth & (np.asarray(source).astype(str) != children)
    return proportion(int(is_positive(scores[adults], threshold).sum()), int(adults.sum()))


@dataclass(frozen=True)
class Part:
    """A network's films of one split and source (None: all of a split that has several), tallied.

    `patients` is how many they are of, None where that is not known.
    """

    split: str
    source: str | None
    films: int
    patients: int | None
    covid: ThresholdSweep
    other: ThresholdSweep
    auc: Estimate


def parts(films: pd.DataFrame, splits: Iterable[str] | None = None) -> list[Part]:
    """Every split and source of one network's films, tallied: bootstrap samples are drawn of each, so keep what comes.

    Args:
        films: columns split, source, covid, score; with a column patient, intervals are by patient.

    Raises:
        ValueError: a score is no number in [0, 1].
    """
    splits = config.SPLITS if splits is None else splits
    found = []
    for split in splits:
        whole = films[films["split"] == split]
        sources = [source for source in config.SOURCE_TITLES if (whole["source"] == source).any()]
        for source in [*([None] if len(sources) > 1 else []), *sources]:
            part = whole if source is None else whole[whole["source"] == source]
            patients, covid = part.get("patient"), part["covid"] == 1
            tallies = sweep(part["score"], {"covid": covid, "other": ~covid}, patients)
            auc = area_intervals(part["score"], part["covid"], patients)["auc"]
            people = None if patients is None else patients.nunique()
            found.append(Part(split, source, len(part), people, tallies["covid"], tallies["other"], auc))
    return found
