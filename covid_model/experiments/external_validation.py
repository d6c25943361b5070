"""External validation: figures for every split and source, and false positives among adults; severity."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from tqdm import tqdm

from covid_model import config, evaluation
from covid_model.evaluation.bootstrap import share
from covid_model.evaluation.metrics import mean, rank_correlation
from covid_model.experiments.context import ExperimentContext
from covid_model.imaging import Film

PANEL_SOURCE = "siim"
READINGS = {  # by a panel of radiologists: the finding that the source lists
    "negative": "Negative for pneumonia",
    "atypical": "Atypical appearance",
    "indeterminate": "Indeterminate appearance",
    "typical": "COVID-19 pneumonia, typical appearance",
}


def run(context: ExperimentContext) -> dict[str, Any]:
    """Measure all reported splits and sources, and the scores by the panel's reading, with intervals by patient."""
    readings = by_reading(context.scored, context.spec.threshold)
    return measure(context.scores, context.spec.threshold) | {
        "trained_on": list(context.trained_on),
        "readings": readings,
    }


def by_reading(table: pd.DataFrame, threshold: float) -> list[dict[str, Any]]:
    """Return the scores of the films that a panel read, by its reading (Lakhani et al. 2023), in READINGS' order.

    Args:
        table: reported films, with the columns source, split, finding, patient and score.

    Returns:
        For each reading: films, the mean score, the share above the threshold, and whether the mean lies above the
        previous reading's with intervals apart.
    """
    panel = table[table["source"].eq(PANEL_SOURCE) & ~table["split"].isin(config.TRAINING_SPLITS)]
    rows: list[dict[str, Any]] = []
    for name, finding in READINGS.items():
        films = panel[panel["finding"] == finding]
        if films.empty:
            continue
        score = mean(films["score"], films["patient"])
        before = rows[-1]["score"] if rows else None
        rows.append(
            {
                "reading": name,
                "films": len(films),
                "score": score,
                "positive": share(films["score"] > threshold, films["patient"]),
                "above_the_previous": None if before is None else bool(score.low > before.high),
            }
        )
    return rows


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


# --- Severity: whether the score rises with the lung opacity that experts rated (Cohen et al. 2020) ---

RATINGS = {
    "opacity_mean": "degree of opacity, 0 to 6, mean of three experts",
    "geographic_mean": "extent of opacity, 0 to 8, mean of three experts",
}


def severity(context: ExperimentContext) -> dict[str, Any]:
    """Correlate logits and ratings by rank over the rated films, which are all COVID-19 films of one source."""
    films = context.data.films
    rated = films[films["opacity_mean"].notna() & films["geographic_mean"].notna()]
    progress = tqdm(rated.index, unit="film", desc="severity")
    logits = np.array([context.predictor.predict(Film(context.pixels(film), (), "JPEG")).logit for film in progress])
    trained = rated["split"].isin(context.trained_on)
    ratings = {name: rated[name].to_numpy(float) for name in RATINGS}
    return {
        "films": len(rated),
        "patients": int(rated["patient"].nunique()),
        "in_splits_trained_on": int(trained.sum()),
        "ratings": RATINGS,
        "spearman": {name: rank_correlation(logits, rating, rated["patient"]) for name, rating in ratings.items()},
        "spearman_unseen": {
            name: rank_correlation(logits[~trained], rating[~trained], rated["patient"][~trained])
            for name, rating in ratings.items()
        },
        "points": {"id": list(rated.index), "logit": logits, **ratings},
    }
