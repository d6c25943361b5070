"""Train in plain Keras by the fine-tuned model's recipe: compile and fit once for each of its stages.

Runs on the backend that KERAS_BACKEND names (TensorFlow, PyTorch or JAX). An interrupted run resumes after the last
epoch that it finished, and a finished stage is not run again.

Batches draw each group of films by its share, and augment each film anew. A group is a source and a label ("siim 1"),
so the shares decide how much the source alone reveals about the class.
"""

from __future__ import annotations

import csv
import hashlib
import json
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from covid_model import config
from covid_model.data import dataset
from covid_model.imaging.augment import Augmentation
from covid_model.imaging.preprocessing import Preprocessing, batches, prepare, to_input
from covid_model.model import device, registry, vgg19

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class Stage:
    """One call of `fit`.

    Attributes:
        size: pixels a side of the input. Starting small halves the cost of a step (progressive resizing).
        frozen_blocks: how many of VGG-19's five blocks stay frozen, counted from the first.
        learning_rate: the peak; it rises over `warmup` steps, then decays to 0 as a half cosine. Without warm-up it
            is constant.
        epochs, steps: epochs, and batches in each. The validation films are scored after every epoch.
    """

    size: int
    frozen_blocks: int
    learning_rate: float
    epochs: int
    steps: int
    warmup: int = 0


@dataclass(frozen=True)
class Recipe:
    """Every choice in the training of the fine-tuned model.

    Attributes:
        preprocessing: shared by all stages except for its size, which each stage sets.
        shares: how often each group (`dataset.group_names`) is drawn; they sum to 1.
        abnormal: loss weight of the auxiliary output, "does the film show anything abnormal?", which is used in
            training only. Films without a COVID-19 label can teach it too.
        weight_decay, ema_momentum: of AdamW, and of the running mean of the weights. The mean is what is kept.
    """

    preprocessing: Preprocessing = field(default_factory=lambda: Preprocessing(border=0.08))
    augment: Augmentation = field(
        default_factory=lambda: Augmentation(
            rotation=8.0,
            shift=0.04,
            zoom=0.10,
            crop=0.06,
            gamma=0.4,
            contrast=0.4,
            blur=2.0,
            sharpen=0.7,
            noise=5.0,
            jpeg=50,
            flip=0.5,
        )
    )
    head: registry.Head = field(default_factory=lambda: registry.Head("average", 256, 0.5))
    shares: Mapping[str, float] = field(
        default_factory=lambda: {
            "siim 1": 0.25,
            "siim 0": 0.25,
            "siim": 0.06,
            "radiography 1": 0.09,
            "radiography 0": 0.09,
            "cohen 1": 0.07,
            "cohen 0": 0.04,
            "nih 0": 0.07,
            "kermany 0": 0.08,
        }
    )
    stages: tuple[Stage, ...] = (
        Stage(size=160, frozen_blocks=5, learning_rate=1e-3, epochs=1, steps=60),
        Stage(size=160, frozen_blocks=3, learning_rate=1e-4, epochs=5, steps=125, warmup=40),
        Stage(size=224, frozen_blocks=0, learning_rate=5e-5, epochs=1, steps=70, warmup=10),
    )
    batch: int = field(default_factory=lambda: config.BATCH)
    abnormal: float = 0.5
    weight_decay: float = 1e-2
    ema_momentum: float = 0.98
    seed: int = field(default_factory=lambda: config.SEED)

    def key(self) -> str:
        """Return a short name that changes with the recipe. Its checkpoints are kept under it."""
        return hashlib.sha256(json.dumps(asdict(self)).encode()).hexdigest()[:12]


RECIPE = Recipe()


Targets = dict[str, np.ndarray]  # by output: "covid" and "abnormal", each (batch,)


def targets(table: pd.DataFrame) -> tuple[Targets, Targets]:
    """Return what each film teaches and how much it counts.

    Args:
        table: one row a film, with `covid` (0, 1 or NaN), `finding` and, where films have them, `panel` readings.

    Returns:
        The targets of both outputs, (n,) float32: `covid`, and `abnormal`, which is 1 for any finding at all.
        Their sample weights, (n,) float32. `covid` counts 0 where the label is unknown. Both count 0 where a panel of
        radiologists read a film of a COVID-19 patient as negative: such a film cannot teach what COVID-19 looks like.
    """
    normal = table["finding"].str.lower().isin(config.NORMAL_FINDINGS)
    panel = table.get("panel", pd.Series(None, table.index, object))  # only one source has readings by a panel
    disputed = table["covid"].eq(1) & panel.eq("negative")
    labeled = table["covid"].notna() & ~disputed
    covid = table["covid"].fillna(0).to_numpy(np.float32)
    abnormal = (~normal).to_numpy(np.float32)
    weights = {"covid": labeled.to_numpy(np.float32), "abnormal": (~disputed).to_numpy(np.float32)}
    return {"covid": covid, "abnormal": abnormal}, weights


class FilmSampler:
    """Draws batches of augmented films. The same seed, epoch and index always give the same batch.

    Args:
        pixels: the decoded films, each (height, width) uint8, in the order of `table`.
        table: one row a film, with `source` and the columns that `targets` needs.
        shares: how often each group is drawn. Groups without a film are left out, and the rest are scaled to sum to 1.
        batch: films in a batch.
    """

    def __init__(
        self,
        pixels: Sequence[np.ndarray],
        table: pd.DataFrame,
        shares: Mapping[str, float],
        augment: Augmentation,
        preprocessing: Preprocessing,
        batch: int,
        seed: int,
    ):
        self.pixels, self.augment, self.preprocessing = pixels, augment, preprocessing
        self.targets, self.weights = targets(table)
        groups = dataset.group_names(table).to_numpy()
        self.rows = [np.flatnonzero(groups == name) for name in shares if (groups == name).any()]
        present = np.array([share for name, share in shares.items() if (groups == name).any()])
        self.shares = present / present.sum()
        self.batch, self.seed, self.epoch = batch, seed, 0

    def draw(self, rng: np.random.Generator) -> np.ndarray:
        """Return the row numbers of one batch (batch,): for each film a group by its share, then any film of it."""
        groups = rng.choice(len(self.rows), self.batch, p=self.shares)
        return np.array([rng.choice(self.rows[group]) for group in groups])

    def make_batch(self, index: int) -> tuple[np.ndarray, Targets, Targets]:
        """Return batch `index` of this epoch: inputs (batch, size, size, 3), targets and sample weights (batch,)."""
        rng = np.random.default_rng((self.seed, self.epoch, index))
        rows = self.draw(rng)
        return self.inputs(rows, rng), *(
            {name: array[rows] for name, array in part.items()} for part in (self.targets, self.weights)
        )

    def inputs(self, rows: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return the films in `rows` (batch,), each augmented anew: (batch, size, size, 3) float32."""
        films = [prepare(self.augment(self.pixels[row], rng), self.preprocessing) for row in rows]
        return to_input(np.stack(films))  # (batch, size, size, 3)


log = logging.getLogger(__name__)

WEIGHTS, LOG, BACKUP = "weights.npz", "log.csv", "backup"  # files and folder in a stage's folder
Evaluate = Callable[[np.ndarray], dict[str, float]]  # from the validation films' scores (n,) to figures by name


def train(
    table: pd.DataFrame,
    pixels: Sequence[np.ndarray],
    validation: Sequence[np.ndarray],
    evaluate: Evaluate,
    recipe: Recipe,
    base_weights: str | None,
    work: Path,
) -> tuple[keras.Model, list[dict[str, float]]]:
    """Run all stages of a recipe.

    Args:
        table, pixels: the training films (see `FilmSampler`).
        validation: decoded films, each (height, width) uint8, that are scored after each epoch.
        evaluate: turns those scores into figures for the history.
        base_weights: VGG-19's ImageNet weights, a file or "imagenet"; None for random weights.
        work: the folder of checkpoints.

    Returns:
        The model, whose output is the score and whose weights are their running mean, and the history: one row per
        epoch, with `epoch`, `step` and `seconds` counted over all stages.
    """
    import keras

    history: list[dict[str, float]] = []
    weights = None
    for number, stage in enumerate(recipe.stages, 1):
        folder = work / f"stage-{number}"
        folder.mkdir(parents=True, exist_ok=True)
        keras.utils.set_random_seed(recipe.seed + number)
        start = base_weights if weights is None else None
        model = vgg19.build(recipe.head, stage.size, start, device.fast_precision())
        trained = with_auxiliary_output(model)
        if weights is not None:
            vgg19.set_weights(trained.layers, weights)
        if not (folder / WEIGHTS).is_file():
            fit_stage(trained, stage, table, pixels, validation, evaluate, recipe, folder)
            np.savez(folder / WEIGHTS, **weights_by_name(trained))
        with np.load(folder / WEIGHTS, allow_pickle=False) as arrays:
            weights = dict(arrays)
        history = add_stage(history, read_log(folder / LOG), stage.steps)
    vgg19.set_weights(trained.layers, weights)
    return model, history


def with_auxiliary_output(model: keras.Model) -> keras.Model:
    """Return a model of the same layers whose outputs are the logits (n, 1) of `covid` and of `abnormal`."""
    import keras

    hidden = model.get_layer("logit").input  # (n, units)
    abnormal = keras.layers.Dense(1, dtype="float32", name="abnormal")(hidden)  # (n, 1)
    return keras.Model(model.input, {"covid": model.get_layer("logit").output, "abnormal": abnormal})


def fit_stage(
    model: keras.Model,
    stage: Stage,
    table: pd.DataFrame,
    pixels: Sequence[np.ndarray],
    validation: Sequence[np.ndarray],
    evaluate: Evaluate,
    recipe: Recipe,
    folder: Path,
) -> None:
    """Compile and fit `model` in place, leaving LOG and, until the stage is finished, BACKUP in `folder`."""
    import keras

    preprocessing = replace(recipe.preprocessing, size=stage.size)
    for layer in model.layers:
        if layer.name.startswith("block"):
            layer.trainable = int(layer.name[len("block")]) > stage.frozen_blocks
    rate: float | keras.optimizers.schedules.LearningRateSchedule = stage.learning_rate
    if stage.warmup:
        rate = keras.optimizers.schedules.CosineDecay(
            0.0,
            stage.epochs * stage.steps - stage.warmup,
            warmup_target=stage.learning_rate,
            warmup_steps=stage.warmup,
        )
    model.compile(
        optimizer=keras.optimizers.AdamW(
            rate, weight_decay=recipe.weight_decay, use_ema=True, ema_momentum=recipe.ema_momentum, clipnorm=1.0
        ),
        loss={name: keras.losses.BinaryCrossentropy(from_logits=True) for name in ("covid", "abnormal")},
        loss_weights={"covid": 1.0, "abnormal": recipe.abnormal},
        jit_compile=False,
    )
    sampler = FilmSampler(pixels, table, recipe.shares, recipe.augment, preprocessing, recipe.batch, recipe.seed)
    scoring = ValidationScoring(model, [prepare(film, preprocessing) for film in validation], evaluate)
    model.fit(
        keras_dataset(sampler, stage.steps),
        epochs=stage.epochs,
        callbacks=[
            keras.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, logs: setattr(sampler, "epoch", epoch)),
            keras.callbacks.LambdaCallback(on_epoch_begin=scoring.begin, on_epoch_end=scoring.end),
            keras.callbacks.CSVLogger(str(folder / LOG), append=True),
            keras.callbacks.BackupAndRestore(str(folder / BACKUP)),
        ],
        verbose=2,
    )


def keras_dataset(sampler: FilmSampler, steps: int) -> keras.utils.PyDataset:
    """Return the sampler as Keras reads it, `steps` batches an epoch. (Keras is imported in functions only, so its
    subclass is made in one.)"""
    import keras

    class Batches(keras.utils.PyDataset):
        def __len__(self) -> int:
            return steps

        def __getitem__(self, index: int):
            return sampler.make_batch(index)

    return Batches(workers=config.READ_AHEAD, max_queue_size=4 * config.READ_AHEAD)


class ValidationScoring:
    """Scores the validation films after each epoch, with the running mean of the weights, and adds to the epoch's logs.

    Args:
        model: made by `with_auxiliary_output`, compiled.
        prepared: the films, each (size, size) uint8.
        evaluate: turns their scores into figures.
    """

    def __init__(self, model: keras.Model, prepared: Sequence[np.ndarray], evaluate: Evaluate):
        self.model, self.prepared, self.evaluate, self.began = model, prepared, evaluate, time.perf_counter()

    def begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Start the clock: `seconds` is what an epoch's training took, without the scoring."""
        self.began = time.perf_counter()

    def end(self, epoch: int, logs: dict[str, float]) -> None:
        """Add the figures and `seconds` to `logs`, from where CSVLogger writes them."""
        import keras

        seconds = time.perf_counter() - self.began
        variables = self.model.trainable_variables
        current = [keras.ops.convert_to_numpy(variable) for variable in variables]
        self.model.optimizer.finalize_variable_values(variables)
        scores = np.concatenate([self._scores(group) for group in batches(self.prepared)])
        for variable, value in zip(variables, current, strict=True):
            variable.assign(value)
        logs |= self.evaluate(scores) | {"seconds": seconds}
        log.info("epoch %d: %s", epoch + 1, {key: round(float(value), 4) for key, value in logs.items()})

    def _scores(self, group: np.ndarray) -> np.ndarray:
        """Return the scores (n,) of prepared films (n, size, size)."""
        logits = self.model.predict_on_batch(to_input(group))["covid"][:, 0]  # (n,)
        return 1 / (1 + np.exp(-logits.astype(np.float64)))


def weights_by_name(model: keras.Model) -> dict[str, np.ndarray]:
    """Return all weights of a model in float32, named "layer/variable" as `vgg19.set_weights` expects them."""
    import keras

    return {
        f"{layer.name}/{variable.name}": keras.ops.convert_to_numpy(variable)
        for layer in model.layers
        for variable in layer.weights
    }


def read_log(path: Path) -> list[dict[str, float]]:
    """Return the rows that CSVLogger wrote; of an epoch that was run twice, the later one."""
    with path.open(newline="") as file:
        rows = {row["epoch"]: {key: float(value) for key, value in row.items()} for row in csv.DictReader(file)}
    return list(rows.values())


def add_stage(history: list[dict[str, float]], rows: list[dict[str, float]], steps: int) -> list[dict[str, float]]:
    """Return `history` with a stage's rows added: epochs (from 1), steps and seconds keep counting.

    Args:
        rows: one an epoch, as `read_log` returns them: `epoch` from 0, `seconds` of that epoch alone.
        steps: batches in an epoch of this stage.
    """
    whole = list(history)
    last = history[-1] if history else {"stage": 0, "epoch": 0, "step": 0, "seconds": 0.0}
    stage = last["stage"] + 1
    for row in rows:
        counted = {"stage": stage, "epoch": last["epoch"] + 1, "step": last["step"] + steps}
        last = row | counted | {"seconds": last["seconds"] + row["seconds"]}
        whole.append(last)
    return whole
