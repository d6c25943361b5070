"""The network that ships: every layer of VGG-19 trained on adults and children, to tell COVID by the lungs.

What carries the source of a film rather than its content is taken away or shaken: the border is cut, sharpness and
tone curve are levelled (`RECIPE.preprocessing`), framing, tone, grain and compression are jittered (`RECIPE.jitter`),
and batches are drawn by group so that sources tell little about the class (`RECIPE.shares`). The head is small, the
learning rate low, the weights are averaged over the run: fitting the sources is what ruins such a network elsewhere.
Two stages: every layer (`RECIPE`), then the last two blocks and the head, films of one source compared (`SECOND`).
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from tqdm import tqdm

from covid_model import config, imaging
from covid_model.data import dataset
from covid_model.imaging.preprocessing import batches, prepare, to_input
from covid_model.model import network_spec
from covid_model.model import vgg19 as model_vgg19
from covid_model.records import describe_machine
from covid_model.training import recipe as training_recipe
from covid_model.training import score_dataset
from covid_model.training.recipe import Recipe
from covid_model.training.sampler import Stream

if TYPE_CHECKING:
    import keras

NAME = "fine-tuned"
KEPT, PROGRESS = "weights.npz", "history.json"  # what a stage leaves in its folder
log = logging.getLogger(__name__)


SPECIFICITY = 0.95  # share of held-out adults without COVID that the threshold must call negative
TRIAL = {"steps": 300, "look": 100, "head_steps": 40, "warmup": 20}  # of a comparison
TRIAL_SIZE = 160  # pixels a side: half the time
TRIAL_FILMS = 500


def run(
    data: dataset.Dataset,
    vgg19: str,
    work: Path | None = None,
    stages: Sequence[Recipe] = (training_recipe.RECIPE, training_recipe.SECOND),
) -> network_spec.NetworkSpec:
    """Train on `train` and `extra` less the validation part, keep the network in `assets/`, score every film.

    Each stage goes on from the weights that the one before left in `work`; one that is there is not run again.
    """
    work = config.WORK if work is None else work
    started = time.perf_counter()
    table = dataset.labelled_training_films(data.films, *config.TRAINING_SPLITS)
    held_out = dataset.validation_films(data.films, *config.TRAINING_SPLITS)
    pixels = read_all(data, table)
    start, history = vgg19, []
    for recipe in stages[:-1]:
        folder = work / NAME / recipe.key(start)
        if not (folder / KEPT).is_file():
            model, _ = train(table, pixels, held_out, start, folder, recipe)
            model_vgg19.save_weights(model_vgg19.get_weights(model, network_spec.STORED), folder / KEPT)
        start, history = str(folder / KEPT), joined(history, json.loads((folder / PROGRESS).read_text()))
    recipe = stages[-1]
    model, rows = train(table, pixels, held_out, start, work / NAME / recipe.key(start), recipe)
    history = joined(history, rows)
    moved = move_threshold(model, table[held_out], [pixels[film] for film in table.index[held_out]], recipe)
    stored = model_vgg19.get_weights(model, network_spec.STORED)
    what = network_spec.NetworkSpec(
        name=NAME,
        title="Fine-tuned model",
        short_title="Fine-tuned",
        help="VGG-19 with every layer trained, on X-rays of adults and children.",
        order=10,
        trained_on=config.TRAINING_SPLITS,
        summary="VGG-19 with every layer trained, on X-rays of children and adults from four sources.",
        threshold=config.THRESHOLD,
        preprocessing=recipe.preprocessing,
        base=network_spec.STORED,
        head=recipe.head,
        weights=f"{NAME}.npz",
        sha256=model_vgg19.save_weights(stored, config.NETWORKS / f"{NAME}.npz"),
        parameters=sum(array.size for array in stored.values()),
        recipe=asdict(recipe)
        | {"optimizer": "AdamW", "logit_shift": moved, "stages_before": [asdict(one) for one in stages[:-1]]},
        history=history,
        training={
            "films": int((~held_out).sum()),
            "covid": int(table.loc[~held_out, "covid"].sum()),
            "validation": int(held_out.sum()),
            "seed": recipe.seed,
            "seconds": history[-1]["seconds"],
            "precision": config.fast_precision(),
            "machine": describe_machine(),
        },
    )
    what.save()
    log.info("trained in %.0f s", time.perf_counter() - started)
    score_dataset.run(NAME, data, exact=False)
    return what


def joined(before: list[dict[str, float]], rows: list[dict[str, float]]) -> list[dict[str, float]]:
    """A stage's history behind that of the stages before it: steps and seconds go on counting."""
    if not before:
        return [row | {"stage": 1} for row in rows]
    last = before[-1]
    return before + [
        row
        | {"step": last["step"] + row["step"], "seconds": last["seconds"] + row["seconds"], "stage": last["stage"] + 1}
        for row in rows
    ]


def move_threshold(model: keras.Model, table: pd.DataFrame, pixels: Sequence[np.ndarray], recipe: Recipe) -> float:
    """Shift the logit, in place, so that the threshold keeps to SPECIFICITY on held-out adults. Returns the shift."""
    import keras

    logits = keras.Model(model.input, model.get_layer("logit").output)
    prepared = (prepare(film, recipe.preprocessing) for film in pixels)
    found = np.concatenate([logits(to_input(group), training=False).numpy()[:, 0] for group in batches(prepared)])
    adults = (table["covid"].eq(0) & table["source"].ne(config.CHILDREN)).to_numpy()
    shift = shift_for(found[adults])
    layer = model.get_layer("logit")
    layer.bias.assign_add([shift])
    return shift


def shift_for(logits: np.ndarray, specificity: float = SPECIFICITY) -> float:
    """What to add to `logits` (n,), of films without COVID, so that `specificity` of them are called negative.

    The cut lies midway between two films' logits; of all cuts that keep to `specificity` it is the lowest.
    """
    mark = float(np.log(config.THRESHOLD / (1 - config.THRESHOLD)))
    ordered = np.sort(logits)
    below = int(np.ceil(specificity * len(ordered)))  # films that must lie below the cut
    above = ordered[below] if below < len(ordered) else ordered[-1] + 1
    return mark - float(ordered[below - 1] + above) / 2


def train(
    table: pd.DataFrame,
    pixels: Mapping[str, np.ndarray],
    held_out: pd.Series,
    start: str,
    work: Path,
    recipe: Recipe = training_recipe.RECIPE,
) -> tuple[keras.Model, list[dict[str, float]]]:
    """Train on the films of `table` that are not held out; look at those that are, every `recipe.look` steps.

    `start` is what training starts from: VGG-19's ImageNet weights (a file or "imagenet"), or an earlier stage's KEPT.
    Goes on from the last checkpoint in `work` where there is one. Returns the model (its averaged weights in place)
    and one row of history for each look.
    """
    import tensorflow as tf

    from covid_model.training.trainer import Trainer

    goes_on = start.endswith(KEPT)
    model = model_vgg19.build(
        recipe.head, recipe.preprocessing.size, None if goes_on else start, config.fast_precision()
    )
    if goes_on:
        with np.load(start, allow_pickle=False) as weights:
            model_vgg19.set_weights(model.layers, weights)
    trainer = Trainer(model, recipe)
    rows = table[~held_out]
    stream = Stream(
        [pixels[film] for film in rows.index],
        rows,
        recipe.shares,
        recipe.jitter,
        recipe.preprocessing,
        recipe.seed,
    )
    looked_at = table[held_out]
    prepared = [prepare(pixels[film], recipe.preprocessing) for film in looked_at.index]

    checkpoint = tf.train.Checkpoint(model=trainer.logits, optimizer=trainer.optimizer, head=trainer.head_optimizer)
    manager = tf.train.CheckpointManager(checkpoint, work, max_to_keep=1)
    progress = work / PROGRESS
    history: list[dict[str, float]] = []
    if manager.latest_checkpoint and progress.is_file():
        checkpoint.restore(manager.latest_checkpoint).expect_partial()
        history = json.loads(progress.read_text())
        log.info("going on from %s", manager.latest_checkpoint)
    first = int(history[-1]["step"]) if history else 0
    losses: list[float] = []
    started = time.perf_counter() - (history[-1]["seconds"] if history else 0)
    with tqdm(total=recipe.steps, initial=first, unit="step", desc="fine-tuned") as bar:
        for step, (inputs, truth) in enumerate(stream.batches(first, recipe.steps), first + 1):
            losses.append(trainer.step(inputs, truth, step))
            bar.update()
            if step % recipe.look == 0 or step == recipe.steps:
                with trainer.averaged():
                    scores = np.concatenate([trainer.scores(to_input(group)) for group in batches(prepared)])
                history.append(
                    {"step": step, "loss": float(np.mean(losses)), "seconds": time.perf_counter() - started}
                    | look(looked_at, scores)
                )
                log.info("%s", json.dumps({key: round(value, 4) for key, value in history[-1].items()}))
                losses = []
                manager.save()
                progress.write_text(json.dumps(history))
    trainer.keep_average()
    return model, history


def look(table: pd.DataFrame, scores: np.ndarray) -> dict[str, float]:
    """What a look at held-out films finds: the AUC within each source of both classes, and the false alarms.

    `within` is the mean over sources of the AUC of COVID against the rest in that source alone; the source cannot
    help there. `alarms SOURCE` and `found SOURCE` are the shares above the threshold without and with COVID.
    """
    from sklearn.metrics import log_loss, roc_auc_score

    truth = table["covid"].to_numpy()
    found: dict[str, float] = {"val_loss": float(log_loss(truth, scores.clip(1e-6, 1 - 1e-6), labels=(0, 1)))}
    within = []
    for source, rows in table.groupby("source").indices.items():
        for label, word in ((0, "alarms"), (1, "found")):
            chosen = rows[truth[rows] == label]
            if len(chosen):
                found[f"{word} {source}"] = float((scores[chosen] > config.THRESHOLD).mean())
        if len(set(truth[rows])) == 2:
            within.append(float(roc_auc_score(truth[rows], scores[rows])))
            found[f"auc {source}"] = within[-1]
    if within:
        found["within"] = float(np.mean(within))
    if len(set(truth)) == 2:
        found["val_auc"] = float(roc_auc_score(truth, scores))
    return found


def leave_out(data: dataset.Dataset, source: str, vgg19: str, work: Path | None = None, **changes: Any) -> None:
    """Train a short trial without one source and look at that source's films: how recipes are compared.

    A trial is the recipe with fewer steps on smaller films (`TRIAL`), and whatever `changes` ask for; it looks at no
    more than TRIAL_FILMS films of each class. Its history is added to `assets/results/leave_one_out.json`; its weights
    stay in `work`.
    """
    work = config.WORK if work is None else work
    recipe = replace(
        training_recipe.RECIPE,
        preprocessing=replace(training_recipe.RECIPE.preprocessing, size=TRIAL_SIZE),
        **(TRIAL | changes),
    )
    table = dataset.labelled_training_films(data.films, *config.TRAINING_SPLITS)
    held_out = table["source"] == source
    looked_at = table[held_out].groupby("covid").sample(frac=1, random_state=0).groupby("covid").head(TRIAL_FILMS).index
    kept = table[~held_out | table.index.isin(looked_at)]
    folder = work / NAME / f"{recipe.key(vgg19)}-without-{source}"
    model, history = train(kept, read_all(data, kept), kept["source"] == source, vgg19, folder, recipe)
    model_vgg19.save_weights(model_vgg19.get_weights(model, network_spec.STORED), folder / KEPT)
    done = json.loads(config.LEFT_OUT_JSON.read_text()) if config.LEFT_OUT_JSON.is_file() else []
    done.append(
        {"left out": source, "films": len(looked_at), **TRIAL, **changes, "size": TRIAL_SIZE, "history": history}
    )
    config.LEFT_OUT_JSON.write_text(json.dumps(done, indent=1) + "\n")


def read_all(data: dataset.Dataset, table: pd.DataFrame) -> dict[str, np.ndarray]:
    """The decoded films of `table` by id (about 0.7 GB for all that is trained on)."""
    return {film: imaging.read(data.path(film)).pixels for film in tqdm(table.index, unit="film", desc="reading films")}
