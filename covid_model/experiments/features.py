"""What a network's features tell of a film: the archive that it comes from, its class, and the films that are similar.

Source probe: a linear classifier on the pooled features, cross-validated by patient (Alain and Bengio 2016, arXiv
1610.01644). If it names the source as easily as the class, a network can learn the class through the source. `frozen`
is the same for the features of VGG-19 before any training on X-rays. `within` asks the same of the two classes of one
source, where nothing that distinguishes sources can help.

Similar films: `index` indexes the reported films by each base's features, draws the map, and measures what neighbors
share. If the neighbors of a film come from its archive more often than they share its class, the features describe the
archive. The maps are t-SNE embeddings (van der Maaten and Hinton 2008) of the same projections. A network of which only
the head was trained has ImageNet's features; its own are those of the head's hidden layer, which are mapped as well.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from covid_model import config
from covid_model.data import dataset
from covid_model.data.dataset import Dataset
from covid_model.evaluation.metrics import mean, to_json
from covid_model.experiments.context import ExperimentContext
from covid_model.model import device, registry
from covid_model.model.similarity import FeatureSpace, FilmIndex, FilmMap, space_of
from covid_model.training import playground
from covid_model.training.features import has_own_features, hidden_layer
from covid_model.training.score_dataset import OutputStore

FOLDS = 5  # each patient is in one of them
PENALTY = 1e-2  # C of the logistic regression
SOURCE_FILMS = 300  # of a source, at most


def run(context: ExperimentContext) -> dict[str, Any]:
    """Probe the reported films of adults, with this network's features of the last convolutional layer.

    A network on the frozen base has that base's features; `hidden` is for its hidden layer, if `has_own_features`.
    """
    films = sample(context.scores, context.seed)
    before = frozen(films)
    if context.spec.base == registry.IMAGENET and before is not None:
        own = before
    else:
        pooled = context.outputs().get(list(films.index))[1]
        own = probe(pooled[:, pooled.shape[1] // 2 :], films)  # of ood.LAYERS, the second
    record = {"films": len(films), "sources": films["source"].value_counts().to_dict(), "own": own, "frozen": before}
    if has_own_features(context.spec):
        reported = context.data.films[~context.data.films["split"].isin(config.TRAINING_SPLITS)].index
        base = context.vgg19 or dataset.weights_file()
        layer = hidden_layer(context.spec, context.data, list(reported), base, context.work)  # as in `index`
        record["hidden"] = probe(np.sqrt(layer[reported.get_indexer(films.index)]), films)
    return record


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
    from sklearn.metrics import balanced_accuracy_score

    named = cross_validated(features, labels.astype(str), patients, PENALTY)
    return float(balanced_accuracy_score(labels.astype(str), named))


def cross_validated(
    features: np.ndarray, labels: ArrayLike, patients: ArrayLike, penalty: float, seed: int = 0, method: str = "predict"
) -> np.ndarray:
    """Return what a linear classifier outputs (n,) for films of patients that it was not fitted to.

    Args:
        features: (n, d).
        labels: (n,).
        patients: (n,), each film's patient.
        penalty: C of the logistic regression, the inverse of the L2 strength.
        seed: of the division into folds.
        method: the classifier's method, such as "decision_function".
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model = make_pipeline(StandardScaler(), LogisticRegression(C=penalty, class_weight="balanced", max_iter=1000))
    folds = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=seed)
    return cross_val_predict(model, features, labels, groups=patients, cv=folds, method=method)


REPEATS = 5  # random divisions into folds
PENALTIES = (1e-5, 1e-4, 1e-3, 1e-2, 1e-1)  # C of the logistic regression; smaller is more regularized


def within(source: str) -> dict[str, Any]:
    """Measure how well the classes of `source` can be separated in the training films; write the record to WITHIN_JSON.

    The features are those of assets/lab (the frozen base with ImageNet's and with random weights): no film is read.

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
            base: [
                {"penalty": penalty} | separability(features[rows], truth, patients, penalty) for penalty in PENALTIES
            ]
            for base, features in store.features.items()
        },
    }
    config.WITHIN_JSON.write_text(json.dumps(record, indent=1) + "\n")
    return record


def separability(features: np.ndarray, truth: np.ndarray, patients: np.ndarray, penalty: float) -> dict[str, float]:
    """Return the AUC of `cross_validated`, and its "spread": mean and standard deviation over REPEATS divisions."""
    from sklearn.metrics import roc_auc_score

    areas = [
        roc_auc_score(truth, cross_validated(features, truth, patients, penalty, seed, "decision_function"))
        for seed in range(REPEATS)
    ]
    return {"auc": float(np.mean(areas)), "spread": float(np.std(areas))}


log = logging.getLogger(__name__)

# --- Similar films ---

DIRECTIONS = 64
NEIGHBORS = 10
PERPLEXITY = 30  # of t-SNE


def index(
    data: Dataset,
    vgg19_for: Callable[[str], str | None] = lambda name: None,
    work: Path | None = None,
    to: Path | None = None,
) -> Path:
    """Index the reported films; write the index, and beside it a record (JSON) of what neighbors share.

    Args:
        data: a data folder.
        vgg19_for: returns the source of VGG-19's ImageNet weights for a network, as in `vgg19.load`.
        work: the folder in which outputs are kept between runs.
        to: defaults to config.SIMILARITY_NPZ.

    Returns:
        The index's file.
    """
    work, to = work or config.WORK, to or config.SIMILARITY_NPZ
    films = data.films[~data.films["split"].isin(config.TRAINING_SPLITS)]
    ids, spaces, hidden = np.array(films.index, dtype=str), dict[str, FeatureSpace](), dict[str, FilmMap]()
    record: dict[str, Any] = {"films": len(films), "neighbors": NEIGHBORS, "spaces": {}}
    for name in registry.names():
        spec = registry.spec(name)
        if has_own_features(spec):
            layer = build(hidden_layer(spec, data, list(films.index), vgg19_for(name), work), spec.sha256)
            record["spaces"][name] = shared(FilmIndex(ids, {name: layer}), name, films)
            hidden[name] = FilmMap(layer.weights, layer.places.astype(np.float16))
            log.info("%s %s", name, record["spaces"][name])
        space = space_of(spec)
        if space in spaces:
            continue
        store = OutputStore(spec, data, vgg19_for(name), device.fast_precision(), work)
        spaces[space] = build(store.get(list(films.index))[1], spec.sha256)
        record["spaces"][space] = shared(FilmIndex(ids, {space: spaces[space]}), space, films)
        log.info("%s %s", space, record["spaces"][space])
    FilmIndex(ids, spaces, hidden).save(to)
    to.with_suffix(".json").write_text(json.dumps(to_json(record), indent=1) + "\n", encoding="utf-8")
    return to


def build(features: np.ndarray, weights: str, seed: int | None = None) -> FeatureSpace:
    """Return the space of features (n, d), 0 or above, computed by the weights with this SHA-256."""
    from sklearn.decomposition import PCA
    from sklearn.manifold import TSNE

    seed = config.SEED if seed is None else seed
    root = np.sqrt(np.maximum(features, 0))
    center, scale = root.mean(axis=0), np.maximum(root.std(axis=0), 1e-6)
    count = min(DIRECTIONS, len(root) - 1, root.shape[1])
    pca = PCA(count, svd_solver="randomized", random_state=seed).fit((root - center) / scale)
    empty = np.zeros((0, 2), np.float32)
    space = FeatureSpace(
        np.array(weights),
        (center + scale * pca.mean_).astype(np.float32),
        scale.astype(np.float32),
        pca.components_.astype(np.float16),
        np.zeros((0, count), np.int8),
        empty,
    )
    codes = space.code(features)
    perplexity = min(PERPLEXITY, (len(root) - 1) / 3)
    places = TSNE(perplexity=perplexity, init="pca", metric="cosine", random_state=seed).fit_transform(
        codes.astype(np.float32)
    )
    spread = np.abs(places).max()
    return FeatureSpace(
        space.weights, space.center, space.scale, space.directions, codes, (places / spread).astype(np.float32)
    )


def shared(index: FilmIndex, space: str, films: pd.DataFrame) -> dict[str, Any]:
    """Return what share of a film's NEIGHBORS, other patients' films, are from its source and of its class.

    For all labeled films and for those of adults, where there are enough; with the shares that chance gives.
    """
    table = films[films["covid"].notna()]
    return {
        name: {
            "films": len(part),
            "source": _agreement(index, space, part, "source"),
            "class": _agreement(index, space, part, "covid"),
        }
        for name, part in (("all", table), ("adults", table[table["source"].ne(config.CHILDREN)]))
        if part["patient"].nunique() > NEIGHBORS
    }


def _agreement(index: FilmIndex, space: str, films: pd.DataFrame, column: str) -> dict[str, Any]:
    """Return the mean share of neighbors among `films` with the same `column`, and what chance gives."""
    rows = pd.Index(index.ids).get_indexer(films.index)
    codes = index.spaces[space].codes[rows].astype(np.float32)
    codes /= np.linalg.norm(codes, axis=1, keepdims=True)
    patients, values = films["patient"].to_numpy(), films[column].to_numpy()
    same, chance = [], []
    for number, code in enumerate(codes):
        others = patients != patients[number]
        cosines = np.where(others, codes @ code, -np.inf)
        nearest = np.argpartition(-cosines, NEIGHBORS)[:NEIGHBORS]
        same.append(float((values[nearest] == values[number]).mean()))
        chance.append(float((values[others] == values[number]).mean()))
    return {"shared": mean(np.array(same), patients), "chance": float(np.mean(chance))}
