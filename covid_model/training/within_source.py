"""How well the two classes of one source can be told apart at all: cross-validation by patient, on stored features.

Only films with and without COVID-19 of one source say something about the illness: what tells sources apart cannot
help. Of the sources that are trained on, the COVID-19 Image Data Collection ("cohen") is the only one with both that
names its patients. Features of the frozen base, pretrained and with random weights, lie in assets/lab: no film is read.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from covid_model import config
from covid_model.data import dataset
from covid_model.training import playground

FOLDS = 5  # whole patients at a time
REPEATS = 5  # ways of cutting the folds
PENALTIES = (1e-5, 1e-4, 1e-3, 1e-2, 1e-1)  # C of the logistic regression; the smaller, the stiffer


def run(source: str) -> dict[str, Any]:
    """Measure the films of `source` that may be trained on, and keep the record in WITHIN_JSON.

    Returns:
        The numbers of films and patients, how many films without COVID-19 show something else, and, for each base of
        the lab and each penalty, the AUC (mean and standard deviation over REPEATS).

    Raises:
        dataset.DataError: the source has not both classes among the films that may be trained on.
        PlaygroundError: the stored features are missing or damaged.
    """
    store = playground.load()
    films = dataset.labelled_training_films(store.films, *config.TRAINING_SPLITS)
    films = films[films["source"] == source]
    if films["covid"].nunique() < 2:
        raise dataset.DataError(f"Films of both classes of one source are wanted. {source!r} has {len(films)} films.")
    rows = store.films.index.get_indexer(films.index)
    truth, patients = films["covid"].to_numpy(), films["patient"].to_numpy()
    record = {
        "source": source,
        "films": len(films),
        "covid": int(truth.sum()),
        "ill_otherwise": int((~films["finding"].str.lower().isin(config.NORMAL_FINDINGS) & (truth == 0)).sum()),
        "patients": int(films["patient"].nunique()),
        "folds": FOLDS,
        "repeats": REPEATS,
        "bases": {
            base: [{"penalty": penalty} | area(features[rows], truth, patients, penalty) for penalty in PENALTIES]
            for base, features in store.features.items()
        },
    }
    config.WITHIN_JSON.write_text(json.dumps(record, indent=1) + "\n")
    return record


def area(features: np.ndarray, truth: np.ndarray, patients: np.ndarray, penalty: float) -> dict[str, float]:
    """The AUC of a logistic regression on films of patients that it was not fitted to.

    Args:
        features: (n, d).
        truth: (n,) 0 or 1.
        patients: (n,) who each film is of.
        penalty: C, the inverse of the strength of L2.

    Returns:
        "auc" and its "spread", mean and standard deviation over REPEATS ways of cutting the folds.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model = make_pipeline(StandardScaler(), LogisticRegression(C=penalty, class_weight="balanced", max_iter=1000))
    areas = []
    for seed in range(REPEATS):
        folds = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=seed)
        logits = cross_val_predict(model, features, truth, groups=patients, cv=folds, method="decision_function")
        areas.append(roc_auc_score(truth, logits))
    return {"auc": float(np.mean(areas)), "spread": float(np.std(areas))}
