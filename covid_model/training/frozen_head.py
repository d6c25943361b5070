"""The paper's recipe: VGG-19 from ImageNet, convolutional layers frozen, two dense layers, 10 epochs.

Amini, Menhaj, Talebi (2021). What its text leaves open (units, optimizer, learning rate, batch, augmentation) is
chosen on held-out patients of the training set and recorded in the network's JSON as our assumption. The same recipe
trains two networks: `PAPER` on the paper's films, `FROZEN` on the additional training films too.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from covid_model import config, evaluation
from covid_model.data import dataset
from covid_model.imaging.augment import Augmentation
from covid_model.imaging.preprocessing import Preprocessing
from covid_model.model import device, registry
from covid_model.model import vgg19 as model_vgg19
from covid_model.records import describe_machine
from covid_model.training import features, playground, score_dataset
from covid_model.verdict import is_positive

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
    model = model_vgg19.build_head(recipe.head, copies[0].shape[1:])
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
    stored = model_vgg19.get_weights(model, registry.IMAGENET)
    for layer in model_vgg19.head_layers(model):
        layer.set_weights([stored[f"{layer.name}/{v.name}"] for v in layer.weights])
    return stored


def scores(model: keras.Model, features: np.ndarray) -> np.ndarray:
    """Return the head's scores (n,) of stored features (n, 7, 7, 512)."""
    parts = [
        model(features[start : start + config.BATCH].astype(np.float32), training=False).numpy()[:, 0]
        for start in range(0, len(features), config.BATCH)
    ]
    return np.concatenate(parts)


log = logging.getLogger(__name__)

AUGMENT = Augmentation(rotation=5.0, shift=0.04, zoom=0.05, gamma=0.2, contrast=0.2)
AUGMENTED_COPIES = 1  # of each film, in addition to the original
VARIANTS = {"without augmentation": False, "with augmentation": True}  # as the record of the five seeds names them
UNITS, LEARNING_RATES = (64, 256), (5e-5, 1e-4, 3e-4)  # the candidates


@dataclass(frozen=True)
class FrozenNetwork:
    """A network that this recipe trains. See NetworkSpec for the titles.

    Attributes:
        splits: whose labeled films it is trained on.
        pooling: of its head (see registry.Head).
        seeds, variants: of the runs. The first run becomes the network; the candidates are compared on its variant.
        recorded: whether all runs are recorded in `config.SEEDS_JSON`.
    """

    name: str
    title: str
    short_title: str
    help: str
    summary: str
    order: float
    splits: tuple[str, ...]
    pooling: str
    seeds: tuple[int, ...] = (0,)
    variants: tuple[str, ...] = ("without augmentation",)
    recorded: bool = False


PAPER = FrozenNetwork(
    name="paper",
    title="The paper's model (frozen VGG-19)",
    short_title="The paper's model",
    help="The published recipe: a frozen ImageNet VGG-19 and two new dense layers, trained on the paper's X-rays.",
    summary="VGG-19 with frozen ImageNet convolutional layers; two dense layers trained on the paper's X-rays.",
    order=20,
    splits=("train",),
    pooling="flatten",
    seeds=(0, 1, 2, 3, 4),
    variants=tuple(VARIANTS),
    recorded=True,
)
FROZEN = FrozenNetwork(
    name="frozen",
    title="The paper's recipe, more data",
    short_title="Same recipe, more data",
    help="The published recipe on more data: a frozen ImageNet VGG-19 and two new dense layers, trained on X-rays of "
    "adults and children from five sources.",
    summary="VGG-19 with frozen ImageNet convolutional layers; two dense layers on pooled features, trained on X-rays "
    "of adults and children from five sources, one of which has both classes from the same hospitals.",
    order=30,
    splits=config.TRAINING_SPLITS,
    pooling="average",
)


def run(network: FrozenNetwork, data: dataset.Dataset, vgg19: str, work: Path | None = None) -> registry.NetworkSpec:
    """Choose a candidate, train every seed and variant, keep the first, score the reported films.

    They are scored on float32 features; training uses bfloat16 ones where the processor has it.

    Leaves NAME.json, NAME.npz, its rows of scores.csv and, where the network has one, its record in `assets/`.
    """
    work = config.WORK if work is None else work
    started = time.perf_counter()
    reported = data.films[~data.films["split"].isin(config.TRAINING_SPLITS)]
    reported_features = features.extract(data, list(reported.index), features.FeatureJob(vgg19), work)
    if network.pooling == "average":
        reported_features = features.averaged(reported_features)[:, None, None]  # (n, 1, 1, 512)
    table = dataset.labeled_training_films(data.films, *network.splits)
    truth = table["covid"].to_numpy()
    copies = [training_features(network.pooling, data, table, vgg19, work)]
    if any(VARIANTS[variant] for variant in network.variants):
        for seed in range(AUGMENTED_COPIES):
            job = features.FeatureJob(vgg19, jitter=AUGMENT, seed=seed, precision=device.fast_precision())
            copies.append(np.array(features.extract(data, list(table.index), job, work)))

    held_out = dataset.validation_films(data.films, *network.splits)
    augmented = VARIANTS[network.variants[0]]
    own = copies if augmented else copies[:1]  # what the network itself is trained on
    recipe, candidates = choose(own, truth, held_out.to_numpy(), network.pooling)
    runs, first = [], None
    for variant in network.variants:
        for seed in network.seeds:
            begun = time.perf_counter()
            trained, history = fit(copies if VARIANTS[variant] else copies[:1], truth, recipe, seed)
            seconds = time.perf_counter() - begun
            stored = rounded(trained)
            scored = scores(trained, reported_features)
            runs.append({"variant": variant, "seed": seed} | figures(reported, scored))
            log.info("%s", json.dumps(runs[-1]))
            if first is None:
                score_dataset.record(network.name, reported, scored)
                first = (stored, history, seconds)
    if network.recorded:
        config.SEEDS_JSON.parent.mkdir(parents=True, exist_ok=True)
        config.SEEDS_JSON.write_text(json.dumps({"recipe": asdict(recipe), "runs": runs}, indent=1) + "\n")
    stored, history, seconds = first
    spec = registry.NetworkSpec(
        name=network.name,
        title=network.title,
        short_title=network.short_title,
        help=network.help,
        order=network.order,
        trained_on=network.splits,
        summary=network.summary,
        threshold=config.THRESHOLD,
        preprocessing=Preprocessing(),
        base=registry.IMAGENET,
        head=recipe.head,
        weights=f"{network.name}.npz",
        sha256=model_vgg19.save_weights(stored, config.NETWORKS / f"{network.name}.npz"),
        parameters=sum(array.size for array in stored.values()),
        recipe={
            "ours": asdict(recipe)
            | {"optimizer": "Adam", "jitter": asdict(AUGMENT) if augmented else None, "copies": len(own)},
            "paper": {"epochs": config.PAPER_EPOCHS, "loss": "binary cross-entropy", "base": "VGG-19, frozen"},
            "candidates": candidates,
        },
        history=history,
        training={
            "films": len(table),
            "covid": int(truth.sum()),
            "seed": network.seeds[0],
            "seconds": round(seconds, 1),
            "recipe_seconds": round(time.perf_counter() - started, 1),
            "machine": describe_machine(),
        },
    )
    spec.save()
    return spec


def training_features(pooling: str, data: dataset.Dataset, table: pd.DataFrame, vgg19: str, work: Path) -> np.ndarray:
    """Return the frozen base's features of the training films `table`, no larger than the head needs them.

    Returns:
        (n, 7, 7, 512) float16, computed in bfloat16 where the processor has it. For a head that averages them, those
        averages of assets/lab, (n, 1, 1, 512) float32.

    Raises:
        PlaygroundError: assets/lab lacks a film, is missing or damaged.
    """
    if pooling == "average":
        store = playground.load()
        rows = store.films.index.get_indexer(table.index)
        if (rows < 0).any():
            raise playground.PlaygroundError(f"{config.LAB} lacks {(rows < 0).sum()} films of {data.folder}.")
        return store.features["imagenet"][rows][:, None, None]
    job = features.FeatureJob(vgg19, precision=device.fast_precision())
    return np.array(features.extract(data, list(table.index), job, work))


def choose(
    copies: Sequence[np.ndarray], truth: np.ndarray, held_out: np.ndarray, pooling: str
) -> tuple[HeadRecipe, list[dict]]:
    """Return the candidate with the highest validation accuracy, the paper's own measure; AUC decides between equals.

    Args:
        copies: arrays (n, ...) of the training films' features: as they are, and augmented.
        truth: (n,) 0 or 1.
        held_out: (n,) True for films of the validation patients.

    Returns:
        The candidate, and the settings and figures of all of them; the chosen one's with its history.
    """
    candidates = [
        HeadRecipe(registry.Head(pooling, units, 0.5), learning_rate=rate) for units in UNITS for rate in LEARNING_RATES
    ]
    parts = [copy[~held_out] for copy in copies]
    validation = (copies[0][held_out], truth[held_out])
    tried = []
    for candidate in candidates:
        _, history = fit(parts, truth[~held_out], candidate, config.SEED, validation)
        ends = {key: history[-1][key] for key in ("val_loss", "val_accuracy", "val_auc")}
        tried.append(asdict(candidate) | {"history": history} | ends)
        log.info("%s %s", candidate, ends)
    best = max(range(len(tried)), key=lambda number: (tried[number]["val_accuracy"], tried[number]["val_auc"]))
    for number, row in enumerate(tried):
        row["chosen"] = number == best
        if number != best:
            del row["history"]
    return replace(candidates[best]), tried


def figures(films: pd.DataFrame, scores: np.ndarray) -> dict[str, float]:
    """Return one run's figures on the paper's test set, and the false positives among adults of both test sets."""
    test = films["split"].eq("test").to_numpy()
    truth, test_scores = films["covid"].to_numpy()[test], scores[test]
    at = {threshold: evaluation.rates(test_scores, truth, threshold) for threshold in (config.HALF, config.PAPER_MARK)}
    adults = films["split"].eq("extra-test").to_numpy()
    return {
        "accuracy_at_0.5": at[config.HALF]["accuracy"],
        "accuracy_at_0.6": at[config.PAPER_MARK]["accuracy"],
        "sensitivity": at[config.PAPER_MARK]["sensitivity"],
        "specificity": at[config.PAPER_MARK]["specificity"],
        "auc": evaluation.roc(test_scores, truth).area,
        "covid_above_0.6": float(is_positive(test_scores[truth == 1], config.PAPER_MARK).mean()),
        "covid_above_0.9": float((test_scores[truth == 1] > config.HIGH).mean()),
        "always_no_accuracy": float((truth == 0).mean()),
        "adults_positive_test": evaluation.adults_without_covid(
            test_scores, truth, films["source"].to_numpy()[test], config.PAPER_MARK
        ).value,
        "adults_positive_extra_test": evaluation.adults_without_covid(
            scores[adults], films["covid"].to_numpy()[adults], films["source"].to_numpy()[adults], config.PAPER_MARK
        ).value,
    }
