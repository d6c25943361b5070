"""Trivial baselines: the accuracy of guesses that never look at the lungs, on the same split."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pandas as pd
from tqdm import tqdm

from covid_model import config
from covid_model.data import dataset
from covid_model.evaluation import metrics
from covid_model.experiments.context import ExperimentContext
from covid_model.imaging.preprocessing import Preprocessing, prepare

BASELINES = {
    "always no": "answers no to every film",
    "mean grey": "knows one number of a film, its mean gray (logistic regression)",
    "thumbnail": f"sees {config.BASELINE_SIDE} x {config.BASELINE_SIDE} pixels of a film (logistic regression)",
    "source": "is told the film's source and answers with that source's share of COVID-19 films in training",
}
MEASURED_ON = ("test", "extra-test", "external")


def run(context: ExperimentContext) -> dict[str, Any]:
    """Measure every baseline, trained on the network's own training films, and the network itself."""
    films = dataset.labeled(context.data.films)
    table = films[films["split"].isin({*context.trained_on, *MEASURED_ON})]
    small = thumbnails(context, list(table.index))
    training = table.index.isin(context.training.index)
    scores = {name: baseline(table, small, training) for name, baseline in SCORERS.items()}
    scores["network"] = context.scores["score"].reindex(table.index).to_numpy()  # none of training films
    return {
        "trained_on": {"splits": list(context.trained_on), "films": int(training.sum())},
        "rivals": BASELINES,
        "mean_gray": brightness_rule(small[training].mean(axis=(1, 2)), table["covid"].to_numpy()[training]),
        "figures": [
            {"split": split, "rival": name}
            | metrics.accuracy_and_auc(table[inside], guesses[inside], context.spec.threshold)
            for split in MEASURED_ON
            for name, guesses in scores.items()
            if (inside := (table["split"] == split).to_numpy()).any()
        ],
    }


def thumbnails(context: ExperimentContext, ids: list[str]) -> np.ndarray:
    """Return the films `ids` resized to (n, 8, 8) float32 in [0, 1]."""
    preprocessing = Preprocessing(size=config.BASELINE_SIDE)
    with ThreadPoolExecutor(config.READ_AHEAD) as pool:
        small = pool.map(lambda film: prepare(context.pixels(film), preprocessing), ids)
        thumbs = list(tqdm(small, total=len(ids), unit="film", desc="thumbnails"))
    return np.stack(thumbs).astype(np.float32) / config.GRAY_LEVELS


def always_no(table: pd.DataFrame, small: np.ndarray, training: np.ndarray) -> np.ndarray:
    """Return scores (n,) that are all 0."""
    return np.zeros(len(table))


def mean_gray(table: pd.DataFrame, small: np.ndarray, training: np.ndarray) -> np.ndarray:
    """Return the scores (n,) of a logistic regression on the mean gray."""
    return _regression(small.mean(axis=(1, 2))[:, None], table, training)


def brightness_rule(grays: np.ndarray, covid: np.ndarray) -> dict[str, float | bool]:
    """Return the threshold on the mean gray that separates the classes best, by balanced accuracy.

    Args:
        grays: (n,) of training films, in [0, 1].
        covid: (n,) 1 or 0.

    Returns:
        threshold: in gray levels; a film of this gray counts as brighter.
        brighter: whether the brighter films are called positive, or the darker ones.
        balanced_accuracy: on the training films.
    """
    from sklearn.metrics import roc_curve

    alarms, hits, thresholds = roc_curve(covid, grays, drop_intermediate=False)
    gains = hits - alarms
    best = int(np.argmax(np.abs(gains)))
    return {
        "threshold": float(config.GRAY_LEVELS * thresholds[best]),
        "brighter": bool(gains[best] > 0),
        "balanced_accuracy": float((1 + abs(gains[best])) / 2),
    }


def thumbnail(table: pd.DataFrame, small: np.ndarray, training: np.ndarray) -> np.ndarray:
    """Return the scores (n,) of a logistic regression on the thumbnail's pixels."""
    return _regression(small.reshape(len(small), -1), table, training)


def source(table: pd.DataFrame, small: np.ndarray, training: np.ndarray) -> np.ndarray:
    """Return as scores (n,) the share of COVID-19 films among the source's training films; among all, if it is new."""
    films = table[training]
    rates = films.groupby("source")["covid"].mean()
    return table["source"].map(rates).fillna(films["covid"].mean()).to_numpy(np.float64)


SCORERS: dict[str, Callable[[pd.DataFrame, np.ndarray, np.ndarray], np.ndarray]] = {
    "always no": always_no,
    "mean grey": mean_gray,
    "thumbnail": thumbnail,
    "source": source,
}


def _regression(x: np.ndarray, table: pd.DataFrame, training: np.ndarray) -> np.ndarray:
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000))
    return model.fit(x[training], table["covid"].to_numpy()[training]).predict_proba(x)[:, 1]
