"""Predict with a network: the score, the Grad-CAM heatmap and an out-of-distribution check from one forward pass."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from covid_model import config
from covid_model.imaging import Film
from covid_model.imaging.preprocessing import batches, prepare, to_input
from covid_model.model import device, gradcam, ood, registry
from covid_model.model import vgg19 as model_vgg19
from covid_model.verdict import OutOfDistribution

if TYPE_CHECKING:
    import keras


class PredictionError(RuntimeError):
    """The network gave no usable score for this film."""


@dataclass(frozen=True)
class Prediction:
    """A network's output for one film. It has no verdict: `verdict.is_positive` takes score and threshold.

    Attributes:
        network: Name of the network.
        score: Sigmoid of the logit, in [0, 1] (equation 1's h(X)).
        logit: The network's output before the sigmoid.
        heatmap: Grad-CAM, (14, 14) float32 in [-1, 1] at 224 pixels: above 0 where the film raises the logit, below 0
            where it lowers it, scaled by its largest magnitude.
        box: Left, top, right and bottom of the part that the network saw, as fractions of the film.
        warnings: The decoder's warnings about the film.
        milliseconds: Duration of the prediction, without decoding.
        ood_distance: How far the film is from the training films; above 1 it is out of distribution (see
            `ood.OodDetector`). None if the network has no detector.
        ood_reason: The detector's reason if `ood_distance` is above 1, else None.
        in_color: Whether the file was a color image.
        simulated: Whether the film is known to be simulated.
        stored: Whether it comes from `readings`, so that `milliseconds` is not known (0).
        features: Pooled features (1024,) float32 of blocks 4 and 5 (see `ood.pool`); None if stored.
    """

    network: str
    score: float
    logit: float
    heatmap: np.ndarray
    box: tuple[float, float, float, float]
    warnings: tuple[str, ...]
    milliseconds: float
    ood_distance: float | None = None
    ood_reason: OutOfDistribution | None = None
    in_color: bool = False
    simulated: bool = False
    stored: bool = False
    features: np.ndarray | None = None

    @property
    def reason(self) -> OutOfDistribution | None:
        """Why the film is out of distribution: it is simulated, by the detector, by its colors; None if it is not."""
        if self.simulated:
            return OutOfDistribution.SIMULATED
        if self.ood_distance is not None and self.ood_distance > 1:
            return self.ood_reason or OutOfDistribution.UNFAMILIAR
        return OutOfDistribution.COLOR if self.in_color else None

    @property
    def out_of_distribution(self) -> bool:
        """Whether the film differs from the training films, so that its score is not meaningful."""
        return self.reason is not None

    def calibrated(self, temperature: float) -> float:
        """Return the score with the logit divided by `temperature`, above 0 (see `registry.Calibration`)."""
        return float(sigmoid(self.logit / temperature))


class Predictor:
    """A loaded network. One per process serves all sessions: a lock lets one film through at a time.

    Args:
        name: Name of the network. Defaults to `registry.default()`.
        vgg19: As in `vgg19.load`.
        precision: As in `vgg19.build`.

    Raises:
        NetworkError: The network cannot be loaded.
    """

    def __init__(self, name: str | None = None, vgg19: str | None = None, precision: str = "float32"):
        name = registry.default() if name is None else name
        self.spec = registry.spec(name)
        self._lock = threading.Lock()
        self._model = model_vgg19.load(name, vgg19, precision=precision)
        self.explain, self._outputs = functions(self._model)
        self._detector = ood.load_detector(self.spec)

    @contextmanager
    def exclusive(self) -> Iterator[keras.Model]:
        """Yield the model while no film is predicted. All sessions share it, so the caller must not change it."""
        with self._lock:
            yield self._model

    def predict(self, film: Film) -> Prediction:
        """Predict one film.

        Raises:
            PredictionError: The logit is not finite.
            ValueError: `film` has the wrong shape or type.
        """
        started = time.perf_counter()
        inputs = to_input(prepare(film.pixels, self.spec.preprocessing)[None])  # (1, size, size, 3)
        with self._lock:
            outputs = [tensor.numpy()[0] for tensor in self.explain(inputs)]
        logit, features, gradients, pooled = outputs  # (1,), twice (14, 14, 512), (1024,)
        milliseconds = 1000 * (time.perf_counter() - started)
        value = float(logit[0])
        if not np.isfinite(value):
            raise PredictionError(f"The network {self.spec.name!r} gave no valid score. Received: {value}.")
        return Prediction(
            network=self.spec.name,
            score=float(sigmoid(value)),
            logit=value,
            heatmap=gradcam.normalize(gradcam.make_gradcam_heatmap(features, gradients)),
            box=self.spec.preprocessing.box,
            warnings=film.warnings,
            milliseconds=milliseconds,
            ood_distance=None if self._detector is None else self._detector.distance(pooled),
            ood_reason=None if self._detector is None else self._ood_reason(film, pooled),
            in_color=film.in_color,
            features=pooled,
        )

    def _ood_reason(self, film: Film, pooled: np.ndarray) -> OutOfDistribution | None:
        """Return why the film is out of distribution, from its `ood.pool`ed features (1024,); None if it is not.

        Photographs can look rotated or inverted to the detector too. So CHANGED is returned only if undoing a change
        makes the film familiar, which takes one more pass for each change that is tried.
        """
        reason = self._detector.reason(pooled)
        if reason is None:
            return None
        for undo in ood.CHANGES.values():
            prepared = prepare(undo(film.pixels), self.spec.preprocessing)
            with self._lock:
                *_, upright = self.explain(to_input(prepared[None]))
            if not self._detector.is_outlier(upright.numpy()[0]):
                return OutOfDistribution.CHANGED
        return OutOfDistribution.UNFAMILIAR

    def scores(self, pixels: Iterable[np.ndarray], batch: int | None = None) -> Iterator[float]:
        """Yield the scores of many films in order; see `outputs`."""
        yield from (float(sigmoid(logit)) for logit, _ in self.outputs(pixels, batch))

    def outputs(self, pixels: Iterable[np.ndarray], batch: int | None = None) -> Iterator[tuple[float, np.ndarray]]:
        """Yield the logit and the pooled features (1024,) of many films in order, without Grad-CAM.

        Args:
            pixels: Films, each (height, width) uint8.
            batch: Films per forward pass. Defaults to `config.BATCH`.
        """
        batch = config.BATCH if batch is None else batch
        prepared = (prepare(film, self.spec.preprocessing) for film in pixels)
        for group in batches(prepared, batch):  # (n, size, size)
            with self._lock:
                logits, pooled = self._outputs(to_input(group))  # (n, 1), (n, 1024)
            yield from zip(map(float, logits.numpy()[:, 0]), pooled.numpy(), strict=True)


def load(name: str) -> tuple[Predictor, str]:
    """Load a network in its usual precision for many users; return it and the precision.

    Raises NetworkError; WeightsMissingError among them, before TensorFlow is loaded: VGG-19's weights are downloaded
    when a user asks for them, not when Keras does.
    """
    if registry.spec(name).base == registry.IMAGENET and not config.vgg19_available():
        raise registry.WeightsMissingError(
            f"{registry.title(name)} needs VGG-19's ImageNet weights, which are not on this computer yet."
        )
    precision = usual_precision(name)
    return Predictor(name, precision=precision), precision


def usual_precision(name: str) -> str:
    """Return the precision in which the app predicts with the network `name` on this device."""
    return device.fast_precision() if registry.spec(name).bfloat16 else device.FLOAT32


def sigmoid(logit: np.ndarray | float) -> np.ndarray | float:
    """Return 1 / (1 + exp(-logit)), without overflow for any finite float32 logit."""
    return 0.5 * (1 + np.tanh(0.5 * np.asarray(logit, np.float64)))


def functions(model: keras.Model) -> tuple[Callable, Callable]:
    """Compile the two functions of a model made by `vgg19.build`.

    Returns:
        explain: (n, size, size, 3) to the logits (n, 1), block5_conv4's features (n, 14, 14, 512), the gradient of each
            film's logit with respect to its own features, and the detector's pooled features (n, 1024). The gradient
            tape starts after block5_conv4, so the base runs once, and only forward.
        outputs: (n, size, size, 3) to the logits (n, 1) and those pooled features.
    """
    import keras
    import tensorflow as tf

    last_conv = model.get_layer(config.LAST_CONV).output
    base = keras.Model(model.input, [last_conv, *(model.get_layer(name).output for name in ood.LAYERS)])
    head = keras.Model(last_conv, model.get_layer("logit").output)
    whole = keras.Model(model.input, [model.get_layer(name).output for name in ("logit", *ood.LAYERS)])
    shape = [None, *model.input.shape[1:]]

    @tf.function(input_signature=[tf.TensorSpec(shape, tf.float32)])
    def explain(inputs):
        features, *ood_maps = base(inputs, training=False)  # (n, 14, 14, 512)
        with tf.GradientTape() as tape:
            tape.watch(features)
            logit = head(features, training=False)  # (n, 1)
        gradients = tape.gradient(logit, features)  # (n, 14, 14, 512)
        return logit, tf.cast(features, tf.float32), tf.cast(gradients, tf.float32), ood.pool(ood_maps)

    @tf.function(input_signature=[tf.TensorSpec(shape, tf.float32)])
    def outputs(inputs):
        logit, *ood_maps = whole(inputs, training=False)
        return logit, ood.pool(ood_maps)

    return explain, outputs
