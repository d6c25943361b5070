"""Frozen, fine-tuned and randomly initialized: three short runs that differ only in the base.

All three train the same head on the same few films for the same number of epochs and are evaluated on the same films
of other patients. The films are drawn evenly from the sources of each class, so a network that only tells adults from
children does badly here. The runs are small on purpose: they show learning curves in minutes, not the best network.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from tqdm import tqdm

from covid_model import config, imaging, records
from covid_model.data import dataset
from covid_model.imaging.preprocessing import Preprocessing, prepare, to_input
from covid_model.model import device, registry
from covid_model.model import vgg19 as model_vgg19
from covid_model.records import describe_machine

if TYPE_CHECKING:
    import keras


log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Start:
    """Where a run starts: from ImageNet's or from random weights, and whether the base is trained as well."""

    title: str
    pretrained: bool
    base_learns: bool


STARTS = {
    "frozen": Start("ImageNet, frozen", True, False),
    "fine-tuned": Start("ImageNet, every layer trained", True, True),
    "random": Start("Random, every layer trained", False, True),
}


@dataclass(frozen=True)
class Recipe:
    """The settings that all three runs share. None of them was tuned for one run.

    Attributes:
        films, validation: how many are drawn, half of them COVID-19.
        head: the paper's.
        learning_rate: Adam's.
    """

    films: int = 640
    validation: int = 200
    preprocessing: Preprocessing = field(default_factory=lambda: Preprocessing(size=96))  # a fifth of 224's time
    head: registry.Head = field(default_factory=registry.Head)
    learning_rate: float = 1e-4
    batch: int = field(default_factory=lambda: config.BATCH)
    epochs: int = field(default_factory=lambda: config.PAPER_EPOCHS)
    seed: int = field(default_factory=lambda: config.SEED)


RECIPE = Recipe()


def run(data: dataset.Dataset, vgg19: str, to: Path | None = None, recipe: Recipe = RECIPE) -> Path:
    """Run all three and write their histories to the file that the page *How it works* shows; return its path.

    Args:
        data: a data folder.
        vgg19: VGG-19's ImageNet weights: a file, or "imagenet" for Keras' download.
        to: the JSON to write (default: assets/results/learning_curves.json).
    """
    table = dataset.labeled_training_films(data.films, *config.TRAINING_SPLITS)
    held_out = dataset.validation_films(data.films, *config.TRAINING_SPLITS)
    parts = [
        balanced(table[rows], count, recipe.seed)
        for rows, count in ((~held_out, recipe.films), (held_out, recipe.validation))
    ]
    training, validation = ((read(data, part, recipe.preprocessing), part["covid"].to_numpy()) for part in parts)
    about = asdict(recipe) | {
        "optimizer": "Adam",
        "covid": int(training[1].sum()),
        "sources": {name: int(count) for name, count in (parts[0]["source"].value_counts()).items()},
        "precision": device.fast_precision(),
        "machine": describe_machine(),
    }
    about |= {"films": len(parts[0]), "validation": len(parts[1])}  # fewer where the data set has fewer
    runs = {name: train(start, training, validation, vgg19, recipe) for name, start in STARTS.items()}
    return save_runs(runs, about, to)


def balanced(table: pd.DataFrame, count: int, seed: int) -> pd.DataFrame:
    """Draw `count` films of `table`, half of them COVID-19, each half as evenly from its sources as these allow."""
    rng = np.random.default_rng(seed)
    drawn: list[str] = []
    for truth in (1, 0):
        groups = [list(rng.permutation(part.index)) for _, part in table[table["covid"] == truth].groupby("source")]
        left = count // 2
        for number, group in enumerate(sorted(groups, key=len)):  # larger sources make up for small ones
            taken = group[: left // (len(groups) - number)]
            left -= len(taken)
            drawn += taken
    return table.loc[rng.permutation(drawn)]


def read(data: dataset.Dataset, table: pd.DataFrame, preprocessing: Preprocessing) -> np.ndarray:
    """Return the films of `table` as network inputs, (n, size, size, 3) float32."""
    progress = tqdm(table.index, unit="film", desc="reading films")
    return to_input(np.stack([prepare(imaging.read(data.path(film)).pixels, preprocessing) for film in progress]))


def train(
    start: Start, training: tuple[np.ndarray, np.ndarray], validation: tuple[np.ndarray, np.ndarray], vgg19: str,
    recipe: Recipe,
) -> dict:  # fmt: skip
    """Train one network and return its title, number of trained weights, times and history, one row per epoch.

    Args:
        training, validation: inputs (n, size, size, 3) and labels (n,).
    """

    import keras

    keras.utils.set_random_seed(recipe.seed)
    weights = vgg19 if start.pretrained else None
    model = model_vgg19.build(recipe.head, recipe.preprocessing.size, weights, device.fast_precision())
    for layer in model.layers:
        layer.trainable = start.base_learns or not layer.name.startswith("block")
    model.compile(
        optimizer=keras.optimizers.Adam(recipe.learning_rate),
        loss="binary_crossentropy",
        metrics=["accuracy", keras.metrics.AUC(name="auc")],
    )
    history: list[dict[str, float]] = []
    began, busy_before = time.perf_counter(), time.process_time()

    def record(epoch: int, logs: dict[str, float]) -> None:
        seconds = round(time.perf_counter() - began, 1)
        history.append({"epoch": epoch + 1} | {key: float(value) for key, value in logs.items()} | {"seconds": seconds})
        log.info("%s %s", start.title, history[-1])

    steps = recipe.epochs * -(-len(training[1]) // recipe.batch)
    with tqdm(total=steps, unit="step", desc=start.title) as bar:
        model.fit(
            training[0],
            training[1].astype(np.float32)[:, None],
            batch_size=recipe.batch,
            epochs=recipe.epochs,
            validation_data=(validation[0], validation[1].astype(np.float32)[:, None]),
            callbacks=[_callback(record, bar.update)],
            verbose=0,
        )
    return {
        "title": start.title,
        "trained": sum(int(np.prod(weight.shape)) for weight in model.trainable_weights),
        "seconds": history[-1]["seconds"],
        "processor_seconds": round(time.process_time() - busy_before, 1),  # of all cores
        "history": history,
    }


def _callback(on_epoch_end: Callable[[int, dict], None], on_step: Callable[[], object]) -> keras.callbacks.Callback:
    import keras

    return keras.callbacks.LambdaCallback(on_epoch_end=on_epoch_end, on_train_batch_end=lambda batch, logs: on_step())


def save_runs(runs: Mapping[str, Mapping[str, Any]], about: Mapping[str, Any], to: Path | None = None) -> Path:
    """Write runs, each with its `title`, `history` and other figures, and `about`, what they have in common."""
    to = to or records.learning_curves_path()
    to.parent.mkdir(parents=True, exist_ok=True)
    to.write_text(json.dumps({"about": about, "runs": runs}, indent=1) + "\n", encoding="utf-8")
    return to
