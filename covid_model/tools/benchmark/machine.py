"""The machine's peak matrix throughput and a network's work: the lower limit of every timing."""

from __future__ import annotations

import statistics
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import keras

SIDE = 2048  # of the square matrices that are multiplied
ROUNDS = 9


def gemm_peak(dtype: str = "float32", side: int = SIDE) -> float:
    """Return the GFLOP/s of one large matrix product in TensorFlow: best of ROUNDS, as the machine may be shared."""
    import tensorflow as tf

    left, right = (tf.cast(tf.random.stateless_uniform((side, side), (0, n)), dtype) for n in (1, 2))
    product = tf.function(lambda a, b: tf.reduce_sum(tf.cast(tf.matmul(a, b)[0], tf.float32)))
    float(product(left, right))
    durations = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        float(product(left, right))
        durations.append(time.perf_counter() - started)
    return 2 * side**3 / min(durations) / 1e9


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
