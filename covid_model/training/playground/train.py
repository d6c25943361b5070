"""One run: the films of a recipe, a head, and a report of every epoch."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from covid_model import config, evaluation
from covid_model.data import dataset
from covid_model.evaluation import Confusion, Estimate
from covid_model.training.playground.features import Store
from covid_model.training.playground.numpy_head import Head
from covid_model.training.playground.recipe import Recipe


@dataclass(frozen=True)
class Epoch:
    """What one pass over the training films came to.

    Attributes:
        number: 1 for the first.
        loss, accuracy: over the training films, while they were learned from (with dropout, before each step).
        matrix: of the test films, at the threshold 0.6.
        auc: of the test films; None where a class is missing.
        adults: adults of the test set without COVID-19 that are called positive.
        more_adults: the same of the split `extra-test`, which no recipe trains on.
        seconds: since the run began.
    """

    number: int
    loss: float
    accuracy: float
    matrix: Confusion
    auc: float | None
    adults: Estimate
    more_adults: Estimate
    seconds: float

    @property
    def test_accuracy(self) -> float:
        return (self.matrix.tp + self.matrix.tn) / self.matrix.total

    @property
    def sensitivity(self) -> float | None:
        return self.matrix.row_share("tp")


@dataclass
class Run:
    """A run and its epochs so far. `covid` and `other` are the films it trains on."""

    number: int
    recipe: Recipe
    covid: int = 0
    other: int = 0
    epochs: list[Epoch] = field(default_factory=list)

    @property
    def finished(self) -> bool:
        return len(self.epochs) == self.recipe.epochs


def chosen(films: pd.DataFrame, recipe: Recipe) -> np.ndarray:
    """Row numbers of the labeled films that a recipe trains on; no patient of theirs is in a reported split."""
    allowed = films.index.isin(dataset.labeled_training_films(films, *config.TRAINING_SPLITS).index)
    paper, covid = films["split"].eq("train").to_numpy() & allowed, films["covid"].eq(1).to_numpy()
    generator = np.random.default_rng((recipe.seed, 0))
    rows = [
        generator.permutation(np.flatnonzero(paper & (covid == flag)))[:count]
        for flag, count in ((True, recipe.covid_films), (False, recipe.other_films))
    ]
    if recipe.adults != "none":
        added = films["split"].eq("extra").to_numpy() & allowed
        rows.append(np.flatnonzero(added if recipe.adults == "all" else added & ~covid))
    return np.sort(np.concatenate(rows))


def counts(films: pd.DataFrame, recipe: Recipe) -> tuple[int, int]:
    """How many COVID-19 and how many other films a recipe trains on."""
    covid = films["covid"].to_numpy()[chosen(films, recipe)]
    return int(covid.sum()), int(len(covid) - covid.sum())


def with_marker(features: np.ndarray, covid: np.ndarray, where: str) -> np.ndarray:
    """Features (n, numbers) with one more number a film, 1 where the marker stands: `where` is one of MARKERS."""
    if where == "none":
        return features
    marker = {"same": covid, "absent": np.zeros_like(covid), "swapped": 1 - covid}[where]
    return np.column_stack([features, marker.astype(np.float32)])


def train(store: Store, recipe: Recipe) -> Iterator[Epoch]:
    """Train a head and report each epoch as it ends. The same recipe gives the same epochs.

    Features are standardized by mean and deviation of the films trained on, the marker among them. Nothing is chosen
    by the test films: they are scored to be watched. Closing the generator ends the run.
    """
    begun = time.perf_counter()
    films, everything = store.films, store.features[recipe.base]
    rows = chosen(films, recipe)
    covid = films["covid"].to_numpy(np.float32)
    features = with_marker(everything[rows], covid[rows], "none" if recipe.marker == "none" else "same")
    mean, deviation = features.mean(axis=0), features.std(axis=0)
    deviation[deviation == 0] = 1
    features, truth = (features - mean) / deviation, covid[rows]
    weight = np.where(truth == 1, recipe.weight, 1).astype(np.float32)

    reported = np.flatnonzero(films["split"].isin(("test", "extra-test")))
    seen = (with_marker(everything[reported], covid[reported], recipe.marker) - mean) / deviation
    table = films.iloc[reported]

    generator = np.random.default_rng((recipe.seed, 1))
    head = Head(features.shape[1], recipe.units, recipe.dropout, recipe.rate, generator)
    for number in range(1, recipe.epochs + 1):
        loss = right = 0.0
        order = generator.permutation(len(rows))
        for start in range(0, len(order), config.BATCH):
            batch = order[start : start + config.BATCH]
            scores, losses = head.step(features[batch], truth[batch], weight[batch])
            loss += float((losses * weight[batch]).sum())
            right += int(((scores > config.THRESHOLD) == (truth[batch] == 1)).sum())
        yield _report(number, loss / len(rows), right / len(rows), table, head.scores(seen), begun)


def _report(number: int, loss: float, accuracy: float, table: pd.DataFrame, scores: np.ndarray, begun: float) -> Epoch:
    test = table["split"].eq("test").to_numpy()
    truth, source = table["covid"].to_numpy(), table["source"].to_numpy()

    def called(part: np.ndarray) -> Estimate:
        return evaluation.adults_without_covid(scores[part], truth[part], source[part], config.THRESHOLD)

    return Epoch(
        number,
        loss,
        accuracy,
        evaluation.confusion(scores[test], truth[test], config.THRESHOLD),
        evaluation.roc(scores[test], truth[test]).area,
        called(test),
        called(~test),
        time.perf_counter() - begun,
    )
