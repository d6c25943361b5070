"""The fine-tuned model: VGG-19 and a small head, every layer trained on X-rays of adults and children.

Archives differ in framing, sharpness, tone and compression, and a network that can tell the archive can guess the
class without looking at lungs. So the border is cut off, those properties are augmented (`RECIPE.augment`), and most
of a batch comes from one hospital family with both classes (`RECIPE.shares`). The head is small, the learning rate
low, and the weights kept are a running mean: overfitting the archives is what ruins such a network elsewhere.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from tqdm import tqdm

from covid_model import config, imaging
from covid_model.data import dataset
from covid_model.imaging.preprocessing import batches, prepare, to_input
from covid_model.model import device, registry
from covid_model.model import vgg19 as model_vgg19
from covid_model.records import describe_machine
from covid_model.training import score_dataset, trainer
from covid_model.training.trainer import RECIPE, Recipe

if TYPE_CHECKING:
    import keras

NAME = "fine-tuned"
SPECIFICITY = 0.98  # share of held-out adults without COVID-19 that the threshold must call negative
CHILDREN_SCORED = 100  # held-out films of children that are scored after each epoch; they are easy, and many
log = logging.getLogger(__name__)


def run(data: dataset.Dataset, vgg19: str, work: Path | None = None, recipe: Recipe = RECIPE) -> registry.NetworkSpec:
    """Train on `train` and `extra` without the held-out patients, save the network in `assets/`, score every film.

    Unlabeled films are trained on too; validation is on labeled held-out films. An interrupted run resumes from
    `work`. On a Keras backend other than TensorFlow, films are not scored.
    """
    import keras

    work = config.WORK if work is None else work
    table = dataset.training_films(data.films, *config.TRAINING_SPLITS)
    held_out = dataset.hold_out(table)
    training, validation = table[~held_out], dataset.labeled(table[held_out])
    scored = fewer_children(validation)
    pixels = read_all(data, pd.concat([training, validation]))
    model, history = trainer.train(
        training,
        [pixels[film] for film in training.index],
        [pixels[film] for film in scored.index],
        partial(figures, scored),
        recipe,
        vgg19,
        work / NAME / recipe.key(),
    )

    preprocessing = replace(recipe.preprocessing, size=recipe.stages[-1].size)
    model = rounded_copy(model, recipe.head, preprocessing.size)
    adults = validation[validation["covid"].eq(0) & validation["source"].ne(config.CHILDREN)]
    shift = shift_for(logits(model, (prepare(pixels[film], preprocessing) for film in adults.index)))
    add_to_logit(model, shift)
    weights = trainer.weights_by_name(model)
    spec = registry.NetworkSpec(
        name=NAME,
        title="Fine-tuned model",
        short_title="Fine-tuned",
        help="All of VGG-19's layers trained further, on X-rays of adults and children from five sources.",
        order=10,
        trained_on=config.TRAINING_SPLITS,
        summary="VGG-19 from ImageNet, every layer trained further on X-rays of adults and children from five "
        "sources, one of which has both classes from the same hospitals.",
        threshold=config.THRESHOLD,
        preprocessing=preprocessing,
        base=registry.STORED,
        head=recipe.head,
        weights=f"{NAME}.npz",
        sha256=model_vgg19.save_weights(weights, config.NETWORKS / f"{NAME}.npz"),
        parameters=sum(array.size for array in weights.values()),
        recipe=asdict(recipe) | {"optimizer": "AdamW", "logit_shift": shift},
        history=history,
        training={
            "films": len(training),
            "covid": int(training["covid"].eq(1).sum()),
            "validation": len(validation),
            "seed": recipe.seed,
            "seconds": history[-1]["seconds"],
            "precision": device.fast_precision(),
            "machine": describe_machine(),
        },
    )
    spec.save()
    log.info("trained in %.0f s", history[-1]["seconds"])
    if keras.backend.backend() == "tensorflow":
        score_dataset.run(NAME, data, work=work)
    else:
        log.warning("The network is stored. Scoring needs TensorFlow: python -m covid_model evaluate")
    return spec


def fewer_children(films: pd.DataFrame) -> pd.DataFrame:
    """Return `films` without those of children beyond the first CHILDREN_SCORED."""
    return films.drop(index=films.index[films["source"] == config.CHILDREN][CHILDREN_SCORED:])


def read_all(data: dataset.Dataset, films: pd.DataFrame) -> dict[str, np.ndarray]:
    """Return the decoded films by id, each (height, width) uint8 (about 0.9 GB for the whole training set)."""
    return {film: imaging.read(data.path(film)).pixels for film in tqdm(films.index, unit="film", desc="reading films")}


def figures(films: pd.DataFrame, scores: np.ndarray) -> dict[str, float]:
    """Return the figures of scores (n,) of labeled films, overall and for each source.

    Returns:
        `val_loss`, the binary cross-entropy; `false positives SOURCE` and `sensitivity SOURCE`, shares above the
        threshold; `auc SOURCE` of each source with both classes, and `within`, the mean of those: knowing the source
        cannot help there. What has no films is left out.
    """
    from sklearn.metrics import log_loss, roc_auc_score

    truth = films["covid"].to_numpy()
    result = {"val_loss": float(log_loss(truth, scores.clip(1e-6, 1 - 1e-6), labels=(0, 1)))}
    within = []
    for source, rows in films.groupby("source").indices.items():
        for label, name in ((0, "false positives"), (1, "sensitivity")):
            of_class = rows[truth[rows] == label]
            if len(of_class):
                result[f"{name} {source}"] = float((scores[of_class] > config.THRESHOLD).mean())
        if len(set(truth[rows])) == 2:
            result[f"auc {source}"] = float(roc_auc_score(truth[rows], scores[rows]))
            within.append(result[f"auc {source}"])
    if within:
        result["within"] = float(np.mean(within))
    return result


# --- From the trained model to the stored one ---


def rounded_copy(model: keras.Model, head: registry.Head, size: int) -> keras.Model:
    """Return the model as it will be loaded: in float32, its weights rounded as they are stored."""
    copy = model_vgg19.build(head, size)
    weights = {name: model_vgg19.rounded(array) for name, array in trainer.weights_by_name(model).items()}
    model_vgg19.set_weights(copy.layers, weights)
    return copy


def logits(model: keras.Model, prepared: Iterable[np.ndarray]) -> np.ndarray:
    """Return the logits (n,) of prepared films, each (size, size) uint8."""
    import keras

    to_logit = keras.Model(model.input, model.get_layer("logit").output)
    return np.concatenate([to_logit.predict_on_batch(to_input(group))[:, 0] for group in batches(prepared)])


def shift_for(logits: np.ndarray, specificity: float = SPECIFICITY) -> float:
    """Return what to add to the logits (n,) of films without COVID-19 so that `specificity` of them score negative.

    The cut lies midway between two films' logits; of all cuts with that specificity it is the lowest.
    """
    threshold = float(np.log(config.THRESHOLD / (1 - config.THRESHOLD)))
    ordered = np.sort(logits)
    below = int(np.ceil(specificity * len(ordered)))  # films that must lie below the cut
    above = ordered[below] if below < len(ordered) else ordered[-1] + 1
    return threshold - float(ordered[below - 1] + above) / 2


def add_to_logit(model: keras.Model, shift: float) -> None:
    """Add `shift` to the bias of the logit, in place, which moves the threshold for every film alike."""
    layer = model.get_layer("logit")
    kernel, bias = layer.get_weights()
    layer.set_weights([kernel, bias + np.float32(shift)])
