"""The head: one dense layer or two, and Adam. Plain NumPy, in float32.

Measured for ten epochs on 8,791 films with 256 units (processor seconds): Keras 10.0 in batches of 32 and 4.6 in
batches of 64, after 3.2 for the import of TensorFlow; scikit-learn's MLPClassifier 6.2, and it has no dropout; this
1.7. It also holds no state of the process, so that visitors who train at once cannot change one another's run. A test
holds it against Keras, step by step.
"""

from __future__ import annotations

from functools import cache

import numpy as np

FADE, FADE_SQUARES, SMALL = 0.9, 0.999, 1e-7  # Adam's, as Keras sets them


@cache
def one_thread() -> None:
    """From now on, let each of NumPy's products run on one thread.

    A batch's products are so small that a second thread costs more than it brings (ten epochs took 4.8 processor
    seconds in place of 1.5), and with one thread a seed gives the same sums whatever the number of cores.
    """
    from threadpoolctl import threadpool_limits

    threadpool_limits(1, user_api="blas")


class Head:
    """A head on `numbers` features a film, to be trained.

    Args:
        numbers: features a film.
        units: of the first dense layer (ReLU); 0 for none.
        dropout: share dropped in training, in [0, 1).
        rate: Adam's learning rate.
        generator: first weights (Glorot and Bengio's uniform ones, biases 0) and dropout come from it.
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
        self.means = [np.zeros_like(one) for one in self.weights]
        self.squares = [np.zeros_like(one) for one in self.weights]

    def scores(self, features: np.ndarray) -> np.ndarray:
        """Scores (n,) in [0, 1] of features (n, numbers)."""
        *_, kernel, bias = self.weights
        return sigmoid((self._hidden(features) @ kernel + bias)[:, 0])

    def step(self, features: np.ndarray, covid: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """One step of Adam on a batch.

        Args:
            features: (n, numbers) float32.
            covid: (n,) 0 or 1.
            weight: (n,) what each film counts in the loss.

        Returns:
            Scores (n,) before the step, with dropout, and each film's loss (n,), not weighted.
        """
        hidden = self._hidden(features)
        kept = np.float32(1)
        if self.dropout:
            drawn = self.generator.random(hidden.shape, dtype=np.float32)
            kept = (drawn >= self.dropout) * np.float32(1 / (1 - self.dropout))
        dropped = hidden * kept
        kernel, bias = self.weights[-2:]
        logits = (dropped @ kernel + bias)[:, 0]
        found = sigmoid(logits)

        slope = ((found - covid) * weight / len(covid)).astype(np.float32)[:, None]  # (n, 1), of the loss by the logit
        slopes = [dropped.T @ slope, slope.sum(axis=0)]
        if len(self.weights) > 2:
            back = (slope @ kernel.T) * kept * (hidden > 0)  # (n, units)
            slopes = [features.T @ back, back.sum(axis=0), *slopes]
        self._adam(slopes)
        # binary cross-entropy of a logit, in a form that cannot overflow
        loss = np.maximum(logits, 0) - logits * covid + np.log1p(np.exp(-np.abs(logits)))
        return found, loss

    def _hidden(self, features: np.ndarray) -> np.ndarray:
        """What the last layer sees: the first layer's outputs (n, units), or the features themselves."""
        if len(self.weights) == 2:
            return features
        return np.maximum(features @ self.weights[0] + self.weights[1], 0)

    def _adam(self, slopes: list[np.ndarray]) -> None:
        """Kingma and Ba (2015), with both corrections in the step's size, as Keras has it."""
        self.steps += 1
        size = np.float32(self.rate * np.sqrt(1 - FADE_SQUARES**self.steps) / (1 - FADE**self.steps))
        for weight, mean, square, slope in zip(self.weights, self.means, self.squares, slopes, strict=True):
            mean += np.float32(1 - FADE) * (slope - mean)
            square += np.float32(1 - FADE_SQUARES) * (slope * slope - square)
            weight -= size * mean / (np.sqrt(square) + np.float32(SMALL))


def sigmoid(logits: np.ndarray) -> np.ndarray:
    """Equation 1's h(X), without overflow."""
    return 0.5 * (1 + np.tanh(0.5 * logits))
