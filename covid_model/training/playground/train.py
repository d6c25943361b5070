"""Train a head by a recipe, with a report after every epoch."""

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
    """The results after one pass over the training films.

    Attributes:
        number: from 1.
        loss, accuracy: on the training films, during training (with dropout, before each step).
        matrix: of the test films, at the threshold 0.6.
        auc: of the test films; None if a class is missing.
        adults: false positive rate among adults of the test set without COVID-19.
        more_adults: the same for the split `extra-test`, which no recipe trains on.
        seconds: since the start of the run.
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
    """A run and its epochs so far. `covid` and `other` are numbers of training films."""

    number: int
    recipe: Recipe
    covid: int = 0
    other: int = 0
    epochs: list[Epoch] = field(default_factory=list)

    @property
    def finished(self) -> bool:
        return len(self.epochs) == self.recipe.epochs


def training_rows(films: pd.DataFrame, recipe: Recipe) -> np.ndarray:
    """Return the row numbers of the films that a recipe trains on: labeled, and of no patient in a reported split."""
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
    """Return the numbers of COVID-19 and of other films that a recipe trains on."""
    covid = films["covid"].to_numpy()[training_rows(films, recipe)]
    return int(covid.sum()), int(len(covid) - covid.sum())


def with_marker(features: np.ndarray, covid: np.ndarray, where: str) -> np.ndarray:
    """Append a column to features (n, numbers): 1 for films with the marker, else 0. `where` is one of MARKERS."""
    if where == "none":
        return features
    marker = {"same": covid, "absent": np.zeros_like(covid), "swapped": 1 - covid}[where]
    return np.column_stack([features, marker.astype(np.float32)])


def train(store: Store, recipe: Recipe) -> Iterator[Epoch]:
    """Train a head, and yield the results of each epoch. The same recipe gives the same results.

    Features, including the marker, are standardized by the mean and standard deviation of the training films. The test
    films are only scored; nothing is chosen by them. Closing the generator stops the run.
    """
    start_time = time.perf_counter()
    films, all_features = store.films, store.features[recipe.base]
    rows = training_rows(films, recipe)
    covid = films["covid"].to_numpy(np.float32)
    features = with_marker(all_features[rows], covid[rows], "none" if recipe.marker == "none" else "same")
    mean, deviation = features.mean(axis=0), features.std(axis=0)
    deviation[deviation == 0] = 1
    features, truth = (features - mean) / deviation, covid[rows]
    weight = np.where(truth == 1, recipe.weight, 1).astype(np.float32)

    reported = np.flatnonzero(films["split"].isin(("test", "extra-test")))
    inputs = (with_marker(all_features[reported], covid[reported], recipe.marker) - mean) / deviation
    table = films.iloc[reported]

    generator = np.random.default_rng((recipe.seed, 1))
    head = Head(features.shape[1], recipe.units, recipe.dropout, recipe.rate, generator)
    for number in range(1, recipe.epochs + 1):
        loss = correct = 0.0
        order = generator.permutation(len(rows))
        for start in range(0, len(order), config.BATCH):
            batch = order[start : start + config.BATCH]
            scores, losses = head.step(features[batch], truth[batch], weight[batch])
            loss += float((losses * weight[batch]).sum())
            correct += int(((scores > config.THRESHOLD) == (truth[batch] == 1)).sum())
        yield _report(number, loss / len(rows), correct / len(rows), table, head.scores(inputs), start_time)


def _report(
    number: int, loss: float, accuracy: float, table: pd.DataFrame, scores: np.ndarray, start_time: float
) -> Epoch:
    test = table["split"].eq("test").to_numpy()
    truth, source = table["covid"].to_numpy(), table["source"].to_numpy()

    def false_positives(part: np.ndarray) -> Estimate:
        return evaluation.adults_without_covid(scores[part], truth[part], source[part], config.THRESHOLD)

    return Epoch(
        number,
        loss,
        accuracy,
        evaluation.confusion(scores[test], truth[test], config.THRESHOLD),
        evaluation.roc(scores[test], truth[test]).area,
        false_positives(test),
        false_positives(~test),
        time.perf_counter() - start_time,
    )
