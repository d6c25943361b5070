"""Timings that remain comparable on a shared machine, the table's rows, and the lower limit of every timing.

All candidates take turns, round by round.
"""

from __future__ import annotations

import gc
import random
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from covid_model import config, imaging
from covid_model.data import samples
from covid_model.imaging import Film, heatmap
from covid_model.imaging.preprocessing import prepare, to_input
from covid_model.model import registry
from covid_model.model.predictor import Prediction, Predictor

if TYPE_CHECKING:
    import keras


PAUSE = 0.05  # seconds between two measurements, so that spinning threads of the previous one come to rest


class Timings:
    """Seconds of each candidate, one value per round; the values of a round are a few seconds apart.

    Args:
        seconds: wall time.
        work: processor time of all threads, which other processes do not lengthen; empty if not measured.
    """

    def __init__(self, seconds: Mapping[str, list[float]], work: Mapping[str, list[float]] | None = None):
        self.seconds, self.work = dict(seconds), dict(work or {})

    def median(self, name: str) -> float:
        """Return the median over the rounds, in seconds."""
        return statistics.median(self.seconds[name])

    def ratio(self, over: str, under: str) -> float:
        """Return `over` / `under`: the median of the ratios within rounds, which is robust to load from others."""
        return _ratio(self.seconds[over], self.seconds[under])

    def work_ratio(self, over: str, under: str) -> float:
        """Return the same ratio for processor time, which is robust on a busy machine."""
        return _ratio(self.work[over], self.work[under])


def _ratio(over: list[float], under: list[float]) -> float:
    return statistics.median(numerator / denominator for numerator, denominator in zip(over, under, strict=True))


def interleaved(candidates: Mapping[str, Callable[[], object]], rounds: int, warm: int = 2) -> Timings:
    """Time `candidates`, in a new random order each round.

    Args:
        candidates: functions by name.
        rounds: number of timings of each.
        warm: number of untimed calls of each beforehand.
    """
    for candidate in candidates.values():
        for _ in range(warm):
            candidate()
    order, draw = list(candidates), random.Random(0)
    seconds: dict[str, list[float]] = {name: [] for name in candidates}
    work: dict[str, list[float]] = {name: [] for name in candidates}
    gc.collect()
    for _ in range(rounds):
        draw.shuffle(order)
        for name in order:
            time.sleep(PAUSE)
            started, worked = time.perf_counter(), time.process_time()
            candidates[name]()
            work[name].append(time.process_time() - worked)
            seconds[name].append(time.perf_counter() - started)
    return Timings(seconds, work)


# --- A row of the table ---


@dataclass(frozen=True)
class Row:
    """A measurement.

    Attributes:
        title: what was measured.
        value: the measured ratio or figure; None if it could not be measured.
        unit: of the value: "times", "s", "ms", "MB", "".
        least, most: bounds of the goal; both None for a row without a goal.
        detail: the numbers behind the value.
        note: why it could not be measured, or what explains it.
    """

    title: str
    value: float | None
    unit: str = "times"
    least: float | None = None
    most: float | None = None
    detail: str = ""
    note: str = ""

    @property
    def reached(self) -> bool | None:
        """Whether the goal was reached; None without a goal or a value."""
        if self.value is None or (self.least is None and self.most is None):
            return None
        return (self.least is None or self.value >= self.least) and (self.most is None or self.value <= self.most)

    @property
    def goal(self) -> str:
        """The goal as text."""
        bounds = [f"at least {self.least:g}" if self.least is not None else ""]
        bounds.append(f"at most {self.most:g}" if self.most is not None else "")
        words = " and ".join(filter(None, bounds))
        return f"{words} {self.unit}".strip() if words else ""

    def record(self) -> dict[str, Any]:
        """Return the row as in the JSON."""
        value = None if self.value is None else float(f"{self.value:.4g}")
        return {
            "what": self.title,
            "value": value,
            "unit": self.unit,
            "goal": self.goal,
            "reached": self.reached,
            "detail": self.detail,
            "note": self.note,
        }


def missing(title: str, note: str) -> Row:
    """Return a row for something that could not be measured here."""
    return Row(title, None, "", note=note)


# --- The machine's limits ---

SIDE = 2048  # of the square matrices that are multiplied
ROUNDS = 9


def gemm_peak() -> float:
    """Return the GFLOP/s of one large matrix product in TensorFlow: best of ROUNDS, as the machine may be shared."""
    import tensorflow as tf

    left, right = (tf.random.stateless_uniform((SIDE, SIDE), (0, n)) for n in (1, 2))
    product = tf.function(lambda a, b: tf.reduce_sum(tf.matmul(a, b)[0]))
    float(product(left, right))
    durations = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        float(product(left, right))
        durations.append(time.perf_counter() - started)
    return 2 * SIDE**3 / min(durations) / 1e9


def gflop(model: keras.Model) -> float:
    """Return the GFLOP (multiplications and additions) of one forward pass: convolutions and dense layers."""
    total = 0
    for layer in model.layers:
        kernel = getattr(layer, "kernel", None)
        if kernel is None:
            continue
        places = 1
        for side in layer.output.shape[1:-1]:
            places *= side
        size = 1
        for side in kernel.shape:
            size *= side
        total += 2 * places * size
    return total / 1e9


def scatter(seconds: list[float]) -> float:
    """Return the interquartile range of timings over their median: how noisy the machine was."""
    low, middle, high = statistics.quantiles(seconds, n=4)
    return (high - low) / middle


# --- The subject of the timings ---

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

    def bare(self) -> Callable[[], np.ndarray]:
        """Return the compiled forward pass, a function that returns scores (n, 1)."""
        import tensorflow as tf

        given = tf.constant(self.inputs)
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
