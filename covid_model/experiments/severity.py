"""Severity: whether the score rises with the lung opacity that experts rated (Cohen et al. 2020)."""

from __future__ import annotations

from typing import Any

import numpy as np
from tqdm import tqdm

from covid_model.evaluation.metrics import rank_correlation
from covid_model.experiments.context import ExperimentContext
from covid_model.imaging import Film

RATINGS = {
    "opacity_mean": "degree of opacity, 0 to 6, mean of three experts",
    "geographic_mean": "extent of opacity, 0 to 8, mean of three experts",
}


def run(context: ExperimentContext) -> dict[str, Any]:
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
