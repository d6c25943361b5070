"""External validation: figures for every split and source, and false positives among adults. From scores alone."""

from __future__ import annotations

from typing import Any

import pandas as pd

from covid_model import config, evaluation
from covid_model.evaluation.bootstrap import share
from covid_model.experiments.context import ExperimentContext


def run(context: ExperimentContext) -> dict[str, Any]:
    """Measure all splits and sources of `context.scores`, with intervals by patient."""
    return measure(context.scores, context.spec.threshold) | {"trained_on": list(context.trained_on)}


def measure(table: pd.DataFrame, threshold: float) -> dict[str, Any]:
    """Return figures for every reported part of `table` (columns split, source, covid, patient, score).

    Returns:
        `parts`: one entry for each split and source, and one for each split with several sources (source null):
            films, covid, patients, sensitivity, specificity, auc.
        `adults_without_covid`: the same parts; the share of films of adults without COVID-19 that score positive.
    """
    parts, adults = [], []
    for split in (name for name in config.SPLITS if name not in config.TRAINING_SPLITS):
        whole = table[table["split"] == split]
        sources = list(dict.fromkeys(whole["source"]))
        for source in [*([None] if len(sources) > 1 else []), *sources]:
            part = whole if source is None else whole[whole["source"] == source]
            name = {"split": split, "source": source}
            parts.append(name | _figures(part, threshold))
            grown_up = part[(part["covid"] == 0) & (part["source"] != config.CHILDREN)]
            if len(grown_up):
                adults.append(name | {"called_positive": share(grown_up["score"] > threshold, grown_up["patient"])})
    return {"threshold": threshold, "parts": parts, "adults_without_covid": adults}


def _figures(part: pd.DataFrame, threshold: float) -> dict[str, Any]:
    covid, other = part[part["covid"] == 1], part[part["covid"] == 0]
    return {
        "films": len(part),
        "covid": len(covid),
        "patients": int(part["patient"].nunique()),
        "sensitivity": share(covid["score"] > threshold, covid["patient"]),
        "specificity": share(other["score"] <= threshold, other["patient"]),
        "auc": evaluation.area_intervals(part["score"], part["covid"], part["patient"])["auc"],
    }
