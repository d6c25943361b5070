"""Elsewhere: every split and source apart, and adults without COVID-19 who are called positive. From scores alone."""

from __future__ import annotations

from typing import Any

import pandas as pd

from covid_model import config, evaluation
from covid_model.evaluation.bootstrap import share
from covid_model.experiments.context import ExperimentContext


def run(case: ExperimentContext) -> dict[str, Any]:
    """All splits and sources of `case.scores`; intervals by patient."""
    return measure(case.scores, case.spec.threshold) | {"trained_on": list(case.trained_on)}


def measure(table: pd.DataFrame, threshold: float) -> dict[str, Any]:
    """Figures of parts of `table` (columns split, source, covid, patient, score).

    Returns:
        `parts`: a list with one entry a split and source, and one a split of several sources (source null):
            films, covid, patients, sensitivity, specificity, auc.
        `adults_without_covid`: the same cut; films of adults without COVID-19 called positive.
    """
    parts, adults = [], []
    for split in config.SPLITS:
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
