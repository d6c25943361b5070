"""Similar films: index the reported films by each base's features, draw the map, and measure what neighbors share.

If the neighbors of a film come from its archive more often than they share its class, the features describe the
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

from covid_model import config
from covid_model.data.dataset import Dataset
from covid_model.evaluation.metrics import mean, to_json
from covid_model.model import device, registry
from covid_model.model.similarity import FeatureSpace, FilmIndex, FilmMap, space_of
from covid_model.training.features import has_own_features, hidden_layer
from covid_model.training.score_dataset import OutputStore

log = logging.getLogger(__name__)

DIRECTIONS = 64
NEIGHBORS = 10
PERPLEXITY = 30  # of t-SNE


def run(
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
