"""Trials: which choices of the fine-tuned recipe help on a source that the trial was not trained on.

Each trial trains block 5 and the head, on stored block-4 features of some hundred films of each group, once for each
source of LEFT_OUT without its films, and is measured by the AUC on that source, where nothing that tells sources apart
can help. One choice differs between a trial and the one it is compared with. No reported film is looked at.
"""

from __future__ import annotations

import hashlib
import json
import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from tqdm import tqdm

from covid_model import config, imaging
from covid_model.data import dataset
from covid_model.imaging.augment import Augmentation
from covid_model.imaging.preprocessing import batches, prepare, to_input
from covid_model.model import device
from covid_model.model import vgg19 as model_vgg19
from covid_model.records import describe_machine
from covid_model.training import fine_tune
from covid_model.training.trainer import RECIPE, FilmSampler, keras_dataset

if TYPE_CHECKING:
    import keras

LEFT_OUT = ("siim", "radiography")
GROUP = 150  # films of one group, at most
STEPS, SIZE = 60, 160  # batches of a trial; pixels a side
LEARNING_RATE, HEAD_LEARNING_RATE = 1e-4, 1e-3
HIDDEN = 64  # units of the adversary
PENALTY = 1e-3  # C of the logistic regression that replaces the last layer
COPIES = {"light": RECIPE.augment, "heavy": replace(RECIPE.augment, blur=6.0, jpeg=30)}  # augmented once
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Trial:
    """One rung of the ladder.

    Attributes:
        title: what it is, for the model card.
        compared_with: the title of the trial from which it differs in one choice.
        balanced: whether groups are drawn by RECIPE.shares; else every film is equally likely.
        block5: whether block 5 is trained, not the head alone.
        copies: of COPIES: augmented copies of each film, drawn as often as the film itself.
        adversary: weight of the reversed gradient of a classifier that names the source from the averaged features
            (Ganin and Lempitsky 2015, arXiv 1409.7495).
        steps: batches.
        refit: whether the last layer is fitted anew on the same number of films of each class and source (Kirichenko,
            Izmailov and Wilson 2023, arXiv 2204.02937).
    """

    title: str
    compared_with: str | None = None
    balanced: bool = True
    block5: bool = True
    copies: tuple[str, ...] = ()
    adversary: float = 0.0
    steps: int = STEPS
    refit: bool = False


BASELINE = "Block 5 and the head, groups balanced"
TRIALS = (
    Trial(BASELINE),
    Trial("The head alone", BASELINE, block5=False),
    Trial("Groups as large as they are", BASELINE, balanced=False),
    Trial("Light augmentation", BASELINE, copies=("light",)),
    Trial("Heavy augmentation", BASELINE, copies=("heavy",)),
    Trial("Source adversary", BASELINE, adversary=0.1),
    Trial("Last layer fitted anew on balanced groups", BASELINE, refit=True),
    Trial("Twice the steps", BASELINE, steps=2 * STEPS),
)


def run(data: dataset.Dataset, vgg19: str, work: Path | None = None, trials: Sequence[Trial] = TRIALS) -> Path:
    """Run all trials on films of the training splits, without the validation patients, and record them.

    Args:
        data: a data folder.
        vgg19: VGG-19's ImageNet weights: a file, or "imagenet" for Keras' download.
        work: the folder in which block-4 features are kept between runs.

    Returns:
        The record, `config.TRIALS_JSON`.
    """
    work = config.WORK if work is None else work
    table = dataset.training_films(data.films, *config.TRAINING_SPLITS)
    table = table[~dataset.hold_out(table)]
    table = table.groupby(dataset.group_names(table)).sample(frac=1, random_state=config.SEED)
    table = table.groupby(dataset.group_names(table)).head(GROUP)
    names = dict.fromkeys(name for trial in trials for name in trial.copies)
    features = {name: block4_features(data, table, vgg19, COPIES.get(name), work) for name in ("plain", *names)}
    rows = [asdict(trial) | {"sources": {}, "seconds": 0.0} for trial in trials]
    for trial, row in zip(trials, rows, strict=True):
        for source in LEFT_OUT:
            if table["covid"][table["source"] == source].nunique() < 2:
                continue
            started = time.perf_counter()
            row["sources"][source] = without(source, trial, table, features, vgg19)
            row["seconds"] += time.perf_counter() - started
            log.info("%s, without %s: %s", trial.title, source, row["sources"][source])
    about = {"films": len(table), "size": SIZE, "batch": RECIPE.batch, "seed": config.SEED}
    about |= {"learning_rate": LEARNING_RATE, "machine": describe_machine()}
    config.TRIALS_JSON.parent.mkdir(parents=True, exist_ok=True)
    config.TRIALS_JSON.write_text(json.dumps({"about": about, "trials": rows}, indent=1) + "\n")
    return config.TRIALS_JSON


def without(
    source: str, trial: Trial, table: pd.DataFrame, features: Mapping[str, np.ndarray], vgg19: str
) -> dict[str, Any]:
    """Train one trial without `source` and return its figures on that source's labeled films (`fine_tune.figures`).

    Args:
        table: one row a film, n rows.
        features: block-4 features of the films (n, 10, 10, 512), "plain" and by name of COPIES.
    """
    import keras

    keras.utils.set_random_seed(config.SEED)
    inside = (table["source"] != source).to_numpy()
    training = table[inside]
    parts = [features[name][inside] for name in ("plain", *trial.copies)]
    model = build(trial, vgg19, sorted(set(training["source"])))
    fit(model, trial, training, parts)
    test = dataset.labeled(table[~inside])
    scores = predict(model, features["plain"][table.index.get_indexer(test.index)])
    if trial.refit:
        scores = refit(model, training, parts[0], features["plain"][table.index.get_indexer(test.index)])
    figures = fine_tune.figures(test, scores)
    return {"films": len(test), "covid": int(test["covid"].sum()), "auc": figures[f"auc {source}"]}


def build(trial: Trial, vgg19: str, sources: Sequence[str]) -> keras.Model:
    """Build block 5, the recipe's head and its auxiliary outputs on block-4 features, (n, 10, 10, 512) to a dict of
    logits: `covid` and `abnormal` (n, 1) and, with an adversary, `source` (n, sources)."""
    import keras

    whole = model_vgg19.build(RECIPE.head, SIZE, vgg19, device.fast_precision())
    x = inputs = keras.Input(whole.get_layer("block4_pool").output.shape[1:])
    start = [layer.name for layer in whole.layers].index("block4_pool") + 1
    averaged = None
    for layer in whole.layers[start:]:
        if layer.name == "score":
            break
        if layer.name == "logit":
            hidden = x
        x = layer(x)
        averaged = x if layer.name == "average" else averaged
        layer.trainable = trial.block5 or not layer.name.startswith("block")
    outputs = {"covid": x, "abnormal": keras.layers.Dense(1, dtype="float32", name="abnormal")(hidden)}
    if trial.adversary:
        reversed_ = keras.layers.Lambda(partial_reversal(trial.adversary), name="reversal")(averaged)  # (n, 512)
        named = keras.layers.Dense(HIDDEN, activation="relu", name="adversary")(reversed_)
        outputs["source"] = keras.layers.Dense(len(sources), dtype="float32", name="source")(named)
    return keras.Model(inputs, outputs)


def partial_reversal(weight: float):
    """Return a function that passes a tensor on unchanged and multiplies its gradient by `-weight`."""
    from keras import ops

    return lambda x: ops.stop_gradient((1 + weight) * x) - weight * x


def fit(model: keras.Model, trial: Trial, table: pd.DataFrame, parts: Sequence[np.ndarray]) -> None:
    """Compile and fit a trial's model in place."""
    import keras

    losses = {name: keras.losses.BinaryCrossentropy(from_logits=True) for name in ("covid", "abnormal")}
    weights = {"covid": 1.0, "abnormal": RECIPE.abnormal}
    if trial.adversary:
        losses["source"] = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        weights["source"] = 1.0
    optimizer = keras.optimizers.AdamW(
        LEARNING_RATE if trial.block5 else HEAD_LEARNING_RATE,
        weight_decay=RECIPE.weight_decay,
        use_ema=True,
        ema_momentum=RECIPE.ema_momentum,
        clipnorm=1.0,
    )
    model.compile(optimizer=optimizer, loss=losses, loss_weights=weights, jit_compile=False)
    model.fit(keras_dataset(FeatureSampler(parts, table, trial), trial.steps), verbose=0)


class FeatureSampler(FilmSampler):
    """Draws batches of stored features in place of augmented films: of a film, as it is or one of its copies."""

    def __init__(self, parts: Sequence[np.ndarray], table: pd.DataFrame, trial: Trial):
        names = dataset.group_names(table)
        shares = RECIPE.shares if trial.balanced else names.value_counts(normalize=True).to_dict()
        super().__init__(parts[0], table, shares, Augmentation(), RECIPE.preprocessing, RECIPE.batch, config.SEED)
        self.parts = parts
        if trial.adversary:
            sources = sorted(set(table["source"]))
            self.targets["source"] = table["source"].map(sources.index).to_numpy()
            self.weights["source"] = np.ones(len(table), np.float32)

    def inputs(self, rows: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return the features of the films in `rows` (batch,): (batch, 10, 10, 512) float32."""
        drawn = rng.integers(len(self.parts), size=len(rows))
        return np.stack([self.parts[copy][row] for copy, row in zip(drawn, rows, strict=True)]).astype(np.float32)


def predict(model: keras.Model, features: np.ndarray) -> np.ndarray:
    """Return a trial's scores (n,) of block-4 features (n, 10, 10, 512)."""
    parts = [model.predict_on_batch(group.astype(np.float32))["covid"][:, 0] for group in batches(features)]
    return 1 / (1 + np.exp(-np.concatenate(parts).astype(np.float64)))


def refit(model: keras.Model, table: pd.DataFrame, training: np.ndarray, test: np.ndarray) -> np.ndarray:
    """Return scores (n,) of `test` by a logistic regression on the last hidden layer, each group of labeled training
    films weighted equally."""
    import keras
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    hidden = keras.Model(model.input, model.get_layer("abnormal").input)

    def activations(features: np.ndarray) -> np.ndarray:
        return np.concatenate([hidden.predict_on_batch(group.astype(np.float32)) for group in batches(features)])

    known = table["covid"].notna().to_numpy()
    groups = dataset.group_names(table[known])
    weights = 1 / groups.map(groups.value_counts())
    model = make_pipeline(StandardScaler(), LogisticRegression(C=PENALTY, max_iter=1000))
    model.fit(
        activations(training[known]).astype(np.float64),
        table["covid"][known].astype(int),
        logisticregression__sample_weight=(weights / weights.mean()).to_numpy(),
    )
    return model.predict_proba(activations(test).astype(np.float64))[:, 1]


def block4_features(
    data: dataset.Dataset, table: pd.DataFrame, vgg19: str, augment: Augmentation | None, work: Path
) -> np.ndarray:
    """Return block 4's output for the films of `table`, as they are or augmented once: (n, 10, 10, 512) float16."""
    import keras
    import tensorflow as tf

    preprocessing = replace(RECIPE.preprocessing, size=SIZE)
    inputs = [asdict(preprocessing), augment and asdict(augment), *table["sha256"]]
    path = work / "trials" / f"{hashlib.sha256(json.dumps(inputs).encode()).hexdigest()[:16]}.npy"
    if path.is_file():
        return np.load(path)
    whole = model_vgg19.build(RECIPE.head, SIZE, vgg19, device.fast_precision())
    below = keras.Model(whole.input, whole.get_layer("block4_pool").output)
    forward = tf.function(lambda x: below(x, training=False))

    def prepared():
        for number, film in enumerate(tqdm(table.index, unit="film", desc="block 4")):
            pixels = imaging.read(data.path(film)).pixels
            if augment:
                pixels = augment(pixels, np.random.default_rng((config.SEED, number)))
            yield prepare(pixels, preprocessing)

    parts = [tf.cast(forward(to_input(group)), tf.float16).numpy() for group in batches(prepared())]
    path.parent.mkdir(parents=True, exist_ok=True)
    np.save(path.with_suffix(".part.npy"), np.concatenate(parts))
    path.with_suffix(".part.npy").rename(path)
    return np.load(path)
