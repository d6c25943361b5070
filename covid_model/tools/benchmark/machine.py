"""How fast this machine can multiply at all, and how much multiplying a network is: the limit of every timing."""

from __future__ import annotations

import statistics
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import keras

SIDE = 2048  # of the square matrices that are multiplied
ROUNDS = 9


def gemm_peak(dtype: str = "float32", side: int = SIDE) -> float:
    """GFLOP/s of one large matrix product by TensorFlow: the best of ROUNDS, since others may use the machine."""
    import tensorflow as tf

    left, right = (tf.cast(tf.random.stateless_uniform((side, side), (0, n)), dtype) for n in (1, 2))
    product = tf.function(lambda a, b: tf.reduce_sum(tf.cast(tf.matmul(a, b)[0], tf.float32)))
    float(product(left, right))
    taken = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        float(product(left, right))
        taken.append(time.perf_counter() - started)
    return 2 * side**3 / min(taken) / 1e9


def gflop(model: keras.Model) -> float:
    """Billions of multiplications and additions of one film's forward pass: convolutions and dense layers."""
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
    """How restless the machine was: interquartile range of a thing's timings, over their median."""
    low, middle, high = statistics.quantiles(seconds, n=4)
    return (high - low) / middle
