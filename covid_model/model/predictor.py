"""Predictor: a film in, its reading out. Score and Grad-CAM from one forward pass; the base is never run twice."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from covid_model import config
from covid_model.imaging import Film
from covid_model.imaging.preprocessing import batches, prepare, to_input
from covid_model.model import gradcam, network_spec, ood, registry
from covid_model.model import vgg19 as model_vgg19
from covid_model.verdict import OutOfDistribution

if TYPE_CHECKING:
    import keras


class PredictionError(RuntimeError):
    """The network gave no usable score for this film."""


@dataclass(frozen=True)
class Prediction:
    """What a network says of one film. It has no verdict: that is `verdict.is_positive` of score and threshold.

    Attributes:
        network: its name.
        score: sigmoid of the logit, 0 to 1 (equation 1's h(X)).
        logit: the network's output before the sigmoid.
        heatmap: (14, 14) float32 in [-1, 1] at 224 pixels; above 0 where the film speaks for COVID, below where
            against; divided by its own largest magnitude.
        box: left, top, right, bottom of the part that the network saw, as fractions of the film.
        warnings: the film's, as it was decoded.
        milliseconds: that the reading took, the decoding aside.
        novelty: how unlike the training films this one is: above 1 the score is not meaningful (see `ood.OodDetector`);
            None for a network without a gate.
        why_novel: what the gate found where `novelty` is above 1; None otherwise.
        in_colour: whether the film came as a colour picture.
    """

    network: str
    score: float
    logit: float
    heatmap: np.ndarray
    box: tuple[float, float, float, float]
    warnings: tuple[str, ...]
    milliseconds: float
    novelty: float | None = None
    why_novel: OutOfDistribution | None = None
    in_colour: bool = False

    @property
    def reason(self) -> OutOfDistribution | None:
        """Why the film lies outside what the network was trained on, by the gate or its colours; else None."""
        if self.novelty is not None and self.novelty > 1:
            return self.why_novel or OutOfDistribution.UNFAMILIAR
        return OutOfDistribution.COLOUR if self.in_colour else None

    @property
    def out_of_distribution(self) -> bool:
        """Whether the film lies outside what the network was trained on, so that its score is not meaningful."""
        return self.reason is not None

    def at(self, temperature: float) -> float:
        """The score with the logit divided by `temperature`, above 0 (see `temperature.Calibration`)."""
        return float(sigmoid(self.logit / temperature))


class Predictor:
    """One loaded network, made once per process and shared by all sessions (a lock lets one film through at a time).

    Raises:
        network.NetworkError: the network cannot be loaded.
    """

    def __init__(self, name: str | None = None, vgg19: str | None = None, precision: str = "float32"):
        name = registry.default() if name is None else name
        self.spec = network_spec.spec(name)
        self._lock = threading.Lock()
        self._model = model_vgg19.load(name, vgg19, precision=precision)
        self._explain, self._score = _functions(self._model)
        self._gate = ood.detector_of(self.spec)

    @contextmanager
    def alone(self) -> Iterator[keras.Model]:
        """The loaded model, for as long as the block lasts; no film is read meanwhile. It must not be changed."""
        with self._lock:
            yield self._model

    def read(self, film: Film) -> Prediction:
        """Read one film.

        Raises:
            PredictionError: the network gave a number that is not finite.
            ValueError: it is no film.
        """
        started = time.perf_counter()
        inputs = to_input(prepare(film.pixels, self.spec.preprocessing)[None])  # (1, size, size, 3)
        with self._lock:
            outputs = [tensor.numpy()[0] for tensor in self._explain(inputs)]
        # logit (1,), features and gradients (14, 14, 512), pooled (1024,)
        return self._reading(film, *outputs, 1000 * (time.perf_counter() - started))

    def _reading(
        self,
        film: Film,
        logit: np.ndarray,
        features: np.ndarray,
        gradients: np.ndarray,
        pooled: np.ndarray,
        milliseconds: float,
    ) -> Prediction:
        """Return one film's reading, from what the network made of it. PredictionError where its logit is not
        finite."""
        value = float(logit[0])
        if not np.isfinite(value):
            raise PredictionError(f"The network {self.spec.name!r} gave no score for this film. Received: {value}.")
        return Prediction(
            network=self.spec.name,
            score=float(sigmoid(value)),
            logit=value,
            heatmap=gradcam.scaled(gradcam.signed_map(features, gradients)),
            box=self.spec.preprocessing.box,
            warnings=film.warnings,
            milliseconds=milliseconds,
            novelty=None if self._gate is None else self._gate.distance(pooled),
            why_novel=None if self._gate is None else self._why(film, pooled),
            in_colour=film.in_colour,
        )

    def _why(self, film: Film, pooled: np.ndarray) -> OutOfDistribution | None:
        """Why the gate calls a film novel, given its `novelty.pool`ed features (d,); None where it does not.

        Photographs too may look rotated or inverted to the gate. So that is said only of a film that is familiar once
        the change is undone, which takes a pass for each change until one is right.
        """
        reason = self._gate.reason(pooled)
        if reason is None:
            return None
        for undo in ood.CHANGES.values():
            prepared = prepare(undo(film.pixels), self.spec.preprocessing)
            with self._lock:
                *_, upright = self._explain(to_input(prepared[None]))
            if not self._gate.novel(upright.numpy()[0]):
                return OutOfDistribution.CHANGED
        return OutOfDistribution.UNFAMILIAR

    def scores(self, pixels: Iterable[np.ndarray], batch: int | None = None) -> Iterator[float]:
        """The scores of many films, each (height, width) uint8, in order; `batch` of them at a time, no Grad-CAM."""
        batch = config.BATCH if batch is None else batch
        prepared = (prepare(film, self.spec.preprocessing) for film in pixels)
        for group in batches(prepared, batch):  # (n, size, size)
            with self._lock:
                logits = self._score(to_input(group)).numpy()[:, 0]  # (n,)
            yield from map(float, sigmoid(logits))


def sigmoid(logit: np.ndarray | float) -> np.ndarray | float:
    """1 / (1 + exp(-logit)), without overflow for any finite float32 logit."""
    return 0.5 * (1 + np.tanh(0.5 * np.asarray(logit, np.float64)))


def _functions(model):
    """The two compiled functions of a model made by `network.build`.

    `explain`: (n, size, size, 3) to the logits (n, 1), the last convolutional layer's features (n, 14, 14, 512), the
    gradient of each film's logit with respect to its own features, and what the gate looks at (n, 1024). The tape
    starts behind that layer: the base runs once, forward only.
    `score`: (n, size, size, 3) to logits (n, 1).
    """
    import keras
    import tensorflow as tf

    last = model.get_layer(config.LAST_CONV).output
    below = keras.Model(model.input, [last, *(model.get_layer(name).output for name in ood.LAYERS)])
    above = keras.Model(last, model.get_layer("logit").output)
    both = keras.Model(model.input, model.get_layer("logit").output)
    shape = [None, *model.input.shape[1:]]

    @tf.function(input_signature=[tf.TensorSpec(shape, tf.float32)])
    def explain(inputs):
        features, *looked_at = below(inputs, training=False)  # (n, 14, 14, 512)
        with tf.GradientTape() as tape:
            tape.watch(features)
            logit = above(features, training=False)  # (n, 1)
        gradient = tape.gradient(logit, features)
        return logit, tf.cast(features, tf.float32), tf.cast(gradient, tf.float32), ood.pool(looked_at)

    @tf.function(input_signature=[tf.TensorSpec(shape, tf.float32)])
    def score(inputs):
        return both(inputs, training=False)

    return explain, score
