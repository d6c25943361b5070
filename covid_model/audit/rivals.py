"""Trivial rivals: what answers that never look at a lung reach on the same split. They belong beside every headline."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pandas as pd
from tqdm import tqdm

from covid_model import dataset, evaluation, settings
from covid_model.audit.case import Case
from covid_model.audit.figures import share
from covid_model.preprocessing import Preprocessing, prepare
from covid_model.verdict import is_positive

THUMBNAIL = 8  # pixels a side
RIVALS = {
    "always no": "answers no to every film",
    "mean grey": "knows one number of a film, its mean grey (logistic regression)",
    "thumbnail": f"sees {THUMBNAIL} x {THUMBNAIL} pixels of a film (logistic regression)",
    "source": "is told the film's source and answers with that source's share of COVID-19 films in training",
}
MEASURED_ON = ("test", "extra-test", "external")


def run(case: Case) -> dict[str, Any]:
    """Every rival, trained on what the network was trained on; the network itself stands beside them."""
    known = dataset.labelled(case.data.films)
    table = known[known["split"].isin({*case.trained_on, *MEASURED_ON})]
    small = thumbnails(case, list(table.index))
    training = table.index.isin(case.training.index)
    scores = {name: rival(table, small, training) for name, rival in ANSWERS.items()}
    scores["network"] = case.scores.loc[table.index, "score"].to_numpy()
    return {
        "trained_on": {"splits": list(case.trained_on), "films": int(training.sum())},
        "rivals": RIVALS,
        "figures": [
            {"split": split, "rival": name} | measure(table[of], found[of], case.spec.threshold)
            for split in MEASURED_ON
            for name, found in scores.items()
            if (of := (table["split"] == split).to_numpy()).any()
        ],
    }


def thumbnails(case: Case, ids: list[str]) -> np.ndarray:
    """(n, 8, 8) float32 in [0, 1]: the films `ids`, squashed."""
    how = Preprocessing(size=THUMBNAIL)
    with ThreadPoolExecutor(settings.READ_AHEAD) as pool:
        small = pool.map(lambda film: prepare(case.pixels(film), how), ids)
        found = list(tqdm(small, total=len(ids), unit="film", desc="thumbnails"))
    return np.stack(found).astype(np.float32) / settings.GREY_LEVELS


def always_no(table: pd.DataFrame, small: np.ndarray, training: np.ndarray) -> np.ndarray:
    """Zeros (n,)."""
    return np.zeros(len(table))


def mean_grey(table: pd.DataFrame, small: np.ndarray, training: np.ndarray) -> np.ndarray:
    """Scores (n,) of a logistic regression on the mean grey."""
    return _regression(small.mean(axis=(1, 2))[:, None], table, training)


def thumbnail(table: pd.DataFrame, small: np.ndarray, training: np.ndarray) -> np.ndarray:
    """Scores (n,) of a logistic regression on the thumbnail's pixels."""
    return _regression(small.reshape(len(small), -1), table, training)


def source(table: pd.DataFrame, small: np.ndarray, training: np.ndarray) -> np.ndarray:
    """Scores (n,): the share of COVID-19 films in the training films of the same source; of all for a new source."""
    known = table[training]
    rates = known.groupby("source")["covid"].mean()
    return table["source"].map(rates).fillna(known["covid"].mean()).to_numpy(np.float64)


ANSWERS: dict[str, Callable[[pd.DataFrame, np.ndarray, np.ndarray], np.ndarray]] = {
    "always no": always_no,
    "mean grey": mean_grey,
    "thumbnail": thumbnail,
    "source": source,
}


def _regression(x: np.ndarray, table: pd.DataFrame, training: np.ndarray) -> np.ndarray:
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000))
    return model.fit(x[training], table["covid"].to_numpy()[training]).predict_proba(x)[:, 1]


def at(threshold: float) -> str:
    """The key that a record keeps what was measured at `threshold` under."""
    return f"at_{threshold:g}"


def measure(table: pd.DataFrame, scores: np.ndarray, threshold: float) -> dict[str, Any]:
    """Accuracy, sensitivity, specificity and adults called positive at 0.5 and `threshold`, and the AUC; by patient."""
    truth, patients = table["covid"].to_numpy() == 1, table["patient"].to_numpy()
    adults = ~truth & (table["source"] != settings.CHILDREN).to_numpy()
    found: dict[str, Any] = {"films": len(table), "covid": int(truth.sum())}
    for mark in (settings.HALF, threshold):
        positive = is_positive(scores, mark)
        found[at(mark)] = {
            "accuracy": share(positive == truth, patients),
            "sensitivity": share(positive[truth], patients[truth]),
            "specificity": share(~positive[~truth], patients[~truth]),
            "adults_positive": share(positive[adults], patients[adults]),
        }
    return found | {"auc": evaluation.area_intervals(scores, truth, patients)["auc"]}
