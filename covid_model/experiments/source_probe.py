"""Source probe: how well a network's features name the archive that a film comes from, and how well the class.

A linear classifier on the pooled features, cross-validated by patient (Alain and Bengio 2016, arXiv 1610.01644). If it
names the source as easily as the class, a network can learn the class through the source. `frozen` is the same for the
features of VGG-19 before any training on X-rays.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from covid_model import config
from covid_model.experiments.context import ExperimentContext
from covid_model.model import registry
from covid_model.training import playground

FOLDS = 5
PENALTY = 1e-2  # C of the logistic regression
SOURCE_FILMS = 300  # of a source, at most


def run(context: ExperimentContext) -> dict[str, Any]:
    """Probe the reported films of adults, with this network's features of the last convolutional layer.

    A network on the frozen base has that base's features.
    """
    films = sample(context.scores, context.seed)
    before = frozen(films)
    if context.spec.base == registry.IMAGENET and before is not None:
        own = before
    else:
        pooled = context.outputs().get(list(films.index))[1]
        own = probe(pooled[:, pooled.shape[1] // 2 :], films)  # of ood.LAYERS, the second
    return {"films": len(films), "sources": films["source"].value_counts().to_dict(), "own": own, "frozen": before}


def frozen(films: pd.DataFrame) -> dict[str, Any] | None:
    """Return the probe of the stored features of frozen VGG-19; None if assets/lab lacks a film."""
    store = playground.load()
    rows = store.films.index.get_indexer(films.index)
    return None if (rows < 0).any() else probe(np.sqrt(np.maximum(store.features["imagenet"][rows], 0)), films)


def sample(scores: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Return reported films of adults with a known ground truth, at most SOURCE_FILMS of a source."""
    adults = scores[~scores["split"].isin(config.TRAINING_SPLITS) & scores["source"].ne(config.CHILDREN)]
    return adults.groupby("source").sample(frac=1, random_state=seed).groupby("source").head(SOURCE_FILMS)


def probe(features: np.ndarray, films: pd.DataFrame) -> dict[str, float]:
    """Return the balanced accuracy with which features (n, d) name the source and the class, and what chance reaches.

    Balanced accuracy is the mean over the sources (or classes) of the share of films named rightly.
    """
    return {
        "source": accuracy(features, films["source"], films["patient"]),
        "source_chance": 1 / films["source"].nunique(),
        "class": accuracy(features, films["covid"], films["patient"]),
        "class_chance": 0.5,
    }


def accuracy(features: np.ndarray, labels: pd.Series, patients: pd.Series) -> float:
    """Return the balanced accuracy (in [0, 1]) of a linear classifier of `labels` (n,), cross-validated by patient."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import balanced_accuracy_score
    from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model = make_pipeline(StandardScaler(), LogisticRegression(C=PENALTY, class_weight="balanced", max_iter=1000))
    folds = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=0)
    named = cross_val_predict(model, features, labels.astype(str), groups=patients, cv=folds)
    return float(balanced_accuracy_score(labels.astype(str), named))
