"""The same figures for parts of the films: by split, by source, by network."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from covid_model import settings
from covid_model.evaluation.curves import roc
from covid_model.evaluation.estimates import Estimate, proportion
from covid_model.evaluation.matrix import check, confusion


def adults_without_covid(
    scores: ArrayLike, covid: ArrayLike, source: ArrayLike, threshold: float, children: str = settings.CHILDREN
) -> Estimate:
    """Of the films without COVID-19 from any source but the children's, the share called positive."""
    scores, truth = check(scores, covid)
    adults = ~truth & (np.asarray(source).astype(str) != children)
    return proportion(int((scores[adults] > threshold).sum()), int(adults.sum()))


def by_group(table: pd.DataFrame, threshold: float, by: Sequence[str] = ("network", "split", "source")) -> pd.DataFrame:
    """One row a group of `table` (columns covid, score and those of `by`), in the order of first appearance.

    Columns: films, covid, tp, fn, fp, tn, then sensitivity, specificity and auc in [0, 1], the first two with _low and
    _high (Wilson, 95 %). NaN where a group cannot give a figure.
    """
    rows = []
    for key, part in table.groupby(list(by), sort=False, observed=True):
        matrix = confusion(part["score"], part["covid"], threshold)
        row = dict(zip(by, key, strict=True)) | {"films": matrix.total, "covid": matrix.covid}
        row |= {"tp": matrix.tp, "fn": matrix.fn, "fp": matrix.fp, "tn": matrix.tn}
        shares = {
            "sensitivity": proportion(matrix.tp, matrix.covid),
            "specificity": proportion(matrix.tn, matrix.other),
        }
        for name, share in shares.items():
            row |= {name: share.value, f"{name}_low": share.low, f"{name}_high": share.high}
        rows.append(row | {"auc": roc(part["score"], part["covid"]).area})
    columns = [*by, "films", "covid", "tp", "fn", "fp", "tn"]
    figures = ["sensitivity", "sensitivity_low", "sensitivity_high", "specificity", "specificity_low"]
    figures += ["specificity_high", "auc"]
    return pd.DataFrame(rows, columns=[*columns, *figures]).astype(dict.fromkeys(figures, float))
