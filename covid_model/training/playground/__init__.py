"""Train a head on stored features, epoch by epoch, in seconds: what the page *Train it yourself* shows.

The frozen base need not run: `assets/lab/` has the output of its last pooling layer for every film, averaged over the
film (512 numbers). features.py writes and reads them, recipe.py has the settings and the presets. The
head, its optimizer and the run are here, in plain NumPy and float32.

Processor time of ten epochs on 8,791 films with 256 units: 10.0 s in Keras with batches of 32 and 4.6 s with batches
of 64, after 3.2 s to import TensorFlow; 6.2 s in scikit-learn's MLPClassifier, which has no dropout; 1.7 s here. It
also keeps no global state, so users who train at the same time cannot affect each other. A test compares it with Keras
step by step.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache

import numpy as np
import pandas as pd

from covid_model import config, evaluation
from covid_model.data import dataset
from covid_model.evaluation import Confusion, Estimate
from covid_model.training.playground.features import PlaygroundError, Store, load
from covid_model.training.playground.recipe import MARKERS, PRESETS, Recipe

BETA_1, BETA_2, EPSILON = 0.9, 0.999, 1e-7  # Adam's, with Keras' defaults


@cache
def one_thread() -> None:
    """Limit NumPy's matrix products to one thread from now on.

    A batch is so small that a second thread costs more than it gains (ten epochs took 4.8 s of processor time instead
    of 1.5 s), and with one thread a seed gives the same sums on any number of cores.
    """
    from threadpoolctl import threadpool_limits

    threadpool_limits(1, user_api="blas")


class Head:
    """An untrained head.

    Args:
        numbers: features per film.
        units: of the first dense layer (ReLU); 0 for none.
        dropout: share dropped in training, in [0, 1).
        rate: Adam's learning rate.
        generator: draws the initial weights (Glorot uniform; biases are 0) and the dropout.
    """

    def __init__(self, numbers: int, units: int, dropout: float, rate: float, generator: np.random.Generator):
        shapes = [(numbers, units), (units, 1)] if units else [(numbers, 1)]
        self.weights: list[np.ndarray] = []  # kernel and bias of each layer
        for shape in shapes:
            limit = np.sqrt(6 / sum(shape))
            self.weights.append(generator.uniform(-limit, limit, shape).astype(np.float32))
            self.weights.append(np.zeros(shape[1], np.float32))
        one_thread()
        self.dropout, self.rate, self.generator = dropout, rate, generator
        self.steps = 0
        self.means = [np.zeros_like(weight) for weight in self.weights]
        self.squares = [np.zeros_like(weight) for weight in self.weights]

    def scores(self, features: np.ndarray) -> np.ndarray:
        """Return the scores (n,) in [0, 1] of features (n, numbers)."""
        *_, kernel, bias = self.weights
        return sigmoid((self._hidden(features) @ kernel + bias)[:, 0])

    def step(self, features: np.ndarray, covid: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Take one step of Adam on a batch.

        Args:
            features: (n, numbers) float32.
            covid: labels (n,), 0 or 1.
            weight: each film's weight in the loss, (n,).

        Returns:
            The scores (n,) before the step, with dropout, and each film's unweighted loss (n,).
        """
        hidden = self._hidden(features)
        keep = np.float32(1)
        if self.dropout:
            drawn = self.generator.random(hidden.shape, dtype=np.float32)
            keep = (drawn >= self.dropout) * np.float32(1 / (1 - self.dropout))
        dropped = hidden * keep
        kernel, bias = self.weights[-2:]
        logits = (dropped @ kernel + bias)[:, 0]
        scores = sigmoid(logits)

        gradient = ((scores - covid) * weight / len(covid)).astype(np.float32)[:, None]  # (n, 1), by the logit
        gradients = [dropped.T @ gradient, gradient.sum(axis=0)]
        if len(self.weights) > 2:
            back = (gradient @ kernel.T) * keep * (hidden > 0)  # (n, units)
            gradients = [features.T @ back, back.sum(axis=0), *gradients]
        self._adam(gradients)
        # binary cross-entropy of a logit, in a form that cannot overflow
        loss = np.maximum(logits, 0) - logits * covid + np.log1p(np.exp(-np.abs(logits)))
        return scores, loss

    def _hidden(self, features: np.ndarray) -> np.ndarray:
        """Return the last layer's input: the first layer's output (n, units), or the features themselves."""
        if len(self.weights) == 2:
            return features
        return np.maximum(features @ self.weights[0] + self.weights[1], 0)

    def _adam(self, gradients: list[np.ndarray]) -> None:
        """Update the weights (Kingma and Ba 2015), with both bias corrections in the step size, as in Keras."""
        self.steps += 1
        size = np.float32(self.rate * np.sqrt(1 - BETA_2**self.steps) / (1 - BETA_1**self.steps))
        for weight, mean, square, gradient in zip(self.weights, self.means, self.squares, gradients, strict=True):
            mean += np.float32(1 - BETA_1) * (gradient - mean)
            square += np.float32(1 - BETA_2) * (gradient * gradient - square)
            weight -= size * mean / (np.sqrt(square) + np.float32(EPSILON))


def sigmoid(logits: np.ndarray) -> np.ndarray:
    """Return the scores of logits, equation 1's h(X), without overflow."""
    return 0.5 * (1 + np.tanh(0.5 * logits))


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
    allowed = (dataset.may_train(films, *config.TRAINING_SPLITS) & films["covid"].notna()).to_numpy()
    siim = films["split"].eq("extra") & films["source"].eq("siim")
    pool = (siim if recipe.pool == "siim" else films["split"].eq("train")).to_numpy() & allowed
    covid = films["covid"].eq(1).to_numpy()
    generator = np.random.default_rng((recipe.seed, 0))
    rows = [
        generator.permutation(np.flatnonzero(pool & (covid == flag)))[:count]
        for flag, count in ((True, recipe.covid_films), (False, recipe.other_films))
    ]
    if recipe.adults != "none":
        added = films["split"].eq("extra").to_numpy() & allowed
        rows.append(np.flatnonzero(added if recipe.adults == "all" else added & ~covid))
    return np.unique(np.concatenate(rows))  # in order; a film that is in the pool may also be among the adults


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
