"""How well the two classes of one source can be separated at all: cross-validation by patient, on stored features.

Only a source with both classes says something about the disease, because nothing that distinguishes sources can help
there. The features come from assets/lab (the frozen base with ImageNet's and with random weights): no film is read.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from covid_model import config
from covid_model.data import dataset
from covid_model.training import playground

FOLDS = 5  # each patient is in one of them
REPEATS = 5  # random divisions into folds
PENALTIES = (1e-5, 1e-4, 1e-3, 1e-2, 1e-1)  # C of the logistic regression; smaller is more regularized


def run(source: str) -> dict[str, Any]:
    """Measure the training films of `source` and write the record to WITHIN_JSON.

    Returns:
        The numbers of films and patients, how many films without COVID-19 show another finding, and for each base and
        penalty the AUC (mean and standard deviation over REPEATS).

    Raises:
        dataset.DataError: the source lacks one of the classes in the training splits.
        PlaygroundError: the stored features are missing or damaged.
    """
    store = playground.load()
    films = dataset.labeled_training_films(store.films, *config.TRAINING_SPLITS)
    films = films[films["source"] == source]
    if films["covid"].nunique() < 2:
        raise dataset.DataError(
            f"Expected a source with both classes in the training splits. Received: {source!r}, "
            f"{len(films)} films, {int(films['covid'].sum())} of them COVID-19."
        )
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
    """Return the AUC of a logistic regression on films of patients that it was not fitted to.

    Args:
        features: (n, d).
        truth: (n,) 0 or 1.
        patients: (n,), each film's patient.
        penalty: C, the inverse of the L2 strength.

    Returns:
        "auc" and its "spread": mean and standard deviation over REPEATS random divisions into folds.
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
