"""One step of gradient descent on binary cross-entropy, with the head first and a running mean of the weights."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import keras
    import tensorflow as tf

    from covid_model.training.recipe import Recipe


class Trainer:
    """Holds the optimizers of one run. For `recipe.head_steps` steps the head alone moves, then everything.

    (A head that has not settled would send wild gradients through the base and spoil its features: Kumar et al. 2022,
    "Fine-tuning can distort pretrained features and underperform out-of-distribution".)
    """

    def __init__(self, model: keras.Model, recipe: Recipe):
        import keras
        import tensorflow as tf

        self.model, self.recipe = model, recipe
        for layer in base_layers(model):
            layer.trainable = int(layer.name[len("block")]) > recipe.frozen_blocks
        pooled = model.get_layer("fc1").input
        abnormal = keras.layers.Dense(1, dtype="float32", name="abnormal")(pooled)  # (n, 1); training's alone
        self.logits = keras.Model(model.input, [model.get_layer("logit").output, abnormal])
        self.variables = self.logits.trainable_variables
        base = {id(variable) for layer in base_layers(model) for variable in layer.trainable_variables}
        self.head = [variable for variable in self.variables if id(variable) not in base]
        self.head_optimizer = keras.optimizers.Adam(recipe.head_learning_rate)
        schedule = keras.optimizers.schedules.CosineDecay(
            0.0,
            decay_steps=recipe.steps - recipe.head_steps - recipe.warmup,
            warmup_target=recipe.learning_rate,
            warmup_steps=recipe.warmup,
        )
        self.optimizer = keras.optimizers.AdamW(
            schedule, weight_decay=recipe.weight_decay, use_ema=True, ema_momentum=recipe.averaging, clipnorm=1.0
        )
        self.head_optimizer.build(self.head)
        self.optimizer.build(self.variables)
        self._head_step = tf.function(lambda x, y: self._descend(x, y, self.head, self.head_optimizer))
        self._whole_step = tf.function(lambda x, y: self._descend(x, y, self.variables, self.optimizer))
        self._forward = tf.function(lambda x: tf.sigmoid(self.logits(x, training=False)[0]))

    def step(self, inputs: np.ndarray, truth: np.ndarray, number: int) -> float:
        """Step `number` (from 1) on one batch; returns the loss before it."""

        import tensorflow as tf

        descend = self._head_step if number <= self.recipe.head_steps else self._whole_step
        return float(descend(tf.constant(inputs), tf.constant(truth)))

    def scores(self, inputs: np.ndarray) -> np.ndarray:
        """Scores (n,) of inputs (n, size, size, 3)."""

        import tensorflow as tf

        return self._forward(tf.constant(inputs)).numpy()[:, 0]

    @contextlib.contextmanager
    def averaged(self) -> Iterator[None]:
        """The running mean of the weights in the model's place, for as long as the block lasts."""
        now = [variable.numpy() for variable in self.variables]
        self.keep_average()
        try:
            yield
        finally:
            for variable, value in zip(self.variables, now, strict=True):
                variable.assign(value)

    def keep_average(self) -> None:
        """Put the running mean of the weights into the model, once the whole network has begun to move."""
        if int(self.optimizer.iterations.numpy()):
            self.optimizer.finalize_variable_values(self.variables)

    def _descend(
        self, inputs: tf.Tensor, truth: tf.Tensor, variables: list[keras.Variable], optimizer: keras.Optimizer
    ) -> tf.Tensor:
        import tensorflow as tf

        with tf.GradientTape() as tape:
            logits = tf.concat(self.logits(inputs, training=True), axis=1)  # (n, 2)
            losses = tf.nn.sigmoid_cross_entropy_with_logits(labels=truth[:, :2], logits=logits)  # equation 1 each
            loss = tf.reduce_mean(losses @ tf.constant([[1.0], [self.recipe.auxiliary]]))
            if self.recipe.ranking:
                loss += self.recipe.ranking * ranking(logits[:, 0], truth[:, 0], truth[:, 2])
        optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
        return loss


def ranking(logits: tf.Tensor, covid: tf.Tensor, source: tf.Tensor) -> tf.Tensor:
    """Mean of log(1 + exp(-(a - b))) over pairs of one source, `a` the logit of a film with COVID, `b` of one without.

    Args:
        logits, covid, source: (n,) each; covid is 0 or 1.

    Returns:
        () the loss; 0 where no source has films of both kinds. (RankNet, Burges et al. 2005.)
    """

    import tensorflow as tf

    pairs = covid[:, None] * (1 - covid)[None] * tf.cast(source[:, None] == source[None], logits.dtype)  # (n, n)
    return tf.math.divide_no_nan(
        tf.reduce_sum(pairs * tf.nn.softplus(logits[None] - logits[:, None])), tf.reduce_sum(pairs)
    )


def base_layers(model: keras.Model) -> list[keras.Layer]:
    """VGG-19's own layers."""
    return [layer for layer in model.layers if layer.name.startswith("block")]
