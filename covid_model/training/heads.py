"""Train the dense layers on stored features: the base is frozen, so it need not run again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from covid_model import config
from covid_model.model import registry, vgg19

if TYPE_CHECKING:
    import keras


HEAD_BATCH = 128  # updating 6 million weights takes most of a step: larger batches, fewer steps


@dataclass(frozen=True)
class HeadRecipe:
    """What the paper's text leaves open, and its 10 epochs.

    Attributes:
        learning_rate: Adam's.
        batch: films per step.
        epochs: passes over the training films.
    """

    head: registry.Head = registry.Head()  # noqa: RUF009 (frozen, so safe to share)
    learning_rate: float = 1e-4
    batch: int = HEAD_BATCH
    epochs: int = field(default_factory=lambda: config.PAPER_EPOCHS)


def batches_of(copies: Sequence[np.ndarray], labels: np.ndarray, batch: int, seed: int) -> keras.utils.PyDataset:
    """Return the batches of one run. (Keras is imported in functions only, so its subclass is made in one.)"""

    import keras

    class Copies(keras.utils.PyDataset):
        """Batches of stored features in random order, with one of a film's augmented copies drawn for each epoch."""

        def __init__(self, copies: Sequence[np.ndarray], labels: np.ndarray, batch: int, seed: int):
            super().__init__()
            self.copies, self.labels, self.size = copies, labels.astype(np.float32), batch
            self.rng = np.random.default_rng(seed)
            self.on_epoch_end()

        def __len__(self) -> int:
            return -(-len(self.labels) // self.size)

        def __getitem__(self, number: int) -> tuple[np.ndarray, np.ndarray]:
            """Return batch `number`: features (n, 7, 7, 512) float32 and labels (n, 1)."""
            rows = self.order[number * self.size : (number + 1) * self.size]
            features = np.stack([self.copies[copy][row] for row, copy in zip(rows, self.drawn[rows], strict=True)])
            return features.astype(np.float32), self.labels[rows, None]

        def on_epoch_end(self) -> None:
            """Draw a new order, and a copy of each film."""
            self.order = self.rng.permutation(len(self.labels))
            self.drawn = self.rng.integers(len(self.copies), size=len(self.labels))

    return Copies(copies, labels, batch, seed)


def fit(
    copies: Sequence[np.ndarray],
    labels: np.ndarray,
    recipe: HeadRecipe,
    seed: int,
    validation: tuple[np.ndarray, np.ndarray] | None = None,
) -> tuple[keras.Model, list[dict[str, float]]]:
    """Train a head with binary cross-entropy (equation 1).

    Args:
        copies: one or more arrays (n, 7, 7, 512) of the same films' features: as they are, and augmented.
        labels: (n,) 0 or 1.
        validation: features and labels to evaluate after each epoch; nothing is chosen by them here.

    Returns:
        The head, and one row of history per epoch: loss, accuracy, auc and, with `validation`, the same with val_.
    """

    import keras

    keras.utils.set_random_seed(seed)
    model = vgg19.build_head(recipe.head, copies[0].shape[1:])
    model.compile(
        optimizer=keras.optimizers.Adam(recipe.learning_rate),
        loss="binary_crossentropy",
        metrics=["accuracy", keras.metrics.AUC(name="auc")],
    )
    if validation is not None:
        validation = (validation[0].astype(np.float32), validation[1].astype(np.float32)[:, None])
    logs = model.fit(
        batches_of(copies, labels, recipe.batch, seed), epochs=recipe.epochs, validation_data=validation, verbose=0
    ).history
    return model, [
        {"epoch": epoch + 1} | {key: float(values[epoch]) for key, values in logs.items()}
        for epoch in range(recipe.epochs)
    ]


def rounded(model: keras.Model) -> dict[str, np.ndarray]:
    """Round the head's weights in place, as they are stored (`vgg19.rounded`), and return them."""
    stored = vgg19.get_weights(model, registry.IMAGENET)
    for layer in vgg19.head_layers(model):
        layer.set_weights([stored[f"{layer.name}/{v.name}"] for v in layer.weights])
    return stored


def scores(model: keras.Model, features: np.ndarray) -> np.ndarray:
    """Return the head's scores (n,) of stored features (n, 7, 7, 512)."""
    parts = [
        model(features[start : start + config.BATCH].astype(np.float32), training=False).numpy()[:, 0]
        for start in range(0, len(features), config.BATCH)
    ]
    return np.concatenate(parts)
