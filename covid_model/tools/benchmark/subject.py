"""The subject of the timings: one network and one film, from bytes to overlay, and the forward pass alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from covid_model import config, imaging
from covid_model.data import samples
from covid_model.imaging import Film, heatmap
from covid_model.imaging.preprocessing import prepare, to_input
from covid_model.model import registry
from covid_model.model.predictor import Prediction, Predictor

if TYPE_CHECKING:
    import keras

FILM = "clear-average"  # simulated


@dataclass
class Subject:
    """A network and a simulated film. `vgg19` is the source of a frozen base, as for `Predictor`."""

    name: str = field(default_factory=registry.default)
    vgg19: str | None = None

    @cached_property
    def predictor(self) -> Predictor:
        return Predictor(self.name, self.vgg19)

    @cached_property
    def data(self) -> bytes:
        """The film's file contents."""
        return samples.sample(FILM).path.read_bytes()

    @cached_property
    def film(self) -> Film:
        return imaging.decode(self.data)

    @cached_property
    def inputs(self) -> np.ndarray:
        """(1, size, size, 3) float32: the network's input."""
        return to_input(prepare(self.film.pixels, self.predictor.spec.preprocessing)[None])

    @cached_property
    def model(self) -> keras.Model:
        with self.predictor.exclusive() as model:
            return model

    def whole(self, predictor: Predictor | None = None) -> Prediction:
        """Decode, score, Grad-CAM, overlay: everything done for an upload."""
        film = imaging.decode(self.data)
        reading = (predictor or self.predictor).predict(film)
        heatmap.blend(shown(film.pixels), reading.heatmap, reading.box)
        return reading

    def bare(self, inputs: np.ndarray | None = None) -> Callable[[], np.ndarray]:
        """Return the compiled forward pass, a function that returns scores (n, 1)."""
        import tensorflow as tf

        given = tf.constant(self.inputs if inputs is None else inputs)
        forward = tf.function(lambda x: self.model(x, training=False))
        return lambda: forward(given).numpy()

    def example(self) -> np.ndarray:
        """Return the heatmap (14, 14) of Keras' example: `predict`, then a gradient tape over the whole model.

        After https://keras.io/examples/vision/grad_cam/ (Chollet 2020), line by line; for one sigmoid unit.
        """
        import keras
        import tensorflow as tf

        model = self.model
        model.predict(self.inputs, verbose=0)
        grad_model = keras.Model(model.inputs, [model.get_layer(config.LAST_CONV).output, model.output])
        with tf.GradientTape() as tape:
            last, predictions = grad_model(self.inputs)
            channel = predictions[:, 0]
        gradients = tape.gradient(channel, last)
        pooled = tf.reduce_mean(gradients, axis=(0, 1, 2))
        heatmap = tf.squeeze(last[0] @ pooled[..., tf.newaxis])
        heatmap = tf.maximum(heatmap, 0) / tf.math.reduce_max(heatmap)
        return heatmap.numpy()


def shown(pixels: np.ndarray) -> np.ndarray:
    """Scale the film as the app does: its longer side at most OVERLAY_SIDE pixels."""
    import cv2

    scale = config.OVERLAY_SIDE / max(pixels.shape)
    if scale >= 1:
        return pixels
    return cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
