"""The paper's recipe: VGG-19 from ImageNet, convolutional layers frozen, two dense layers, 10 epochs.

Amini, Menhaj, Talebi (2021). What its text leaves open (units, optimizer, learning rate, batch, jitter) is chosen on a
validation part cut out of the training films, and stands in the network's JSON as our assumption.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pandas as pd

from covid_model import config, evaluation
from covid_model.data import dataset
from covid_model.imaging.augment import Augmentation
from covid_model.imaging.preprocessing import Preprocessing
from covid_model.model import network_spec
from covid_model.model import vgg19 as model_vgg19
from covid_model.records import describe_machine
from covid_model.training import features, heads, score_dataset
from covid_model.training.heads import HeadRecipe
from covid_model.verdict import is_positive

log = logging.getLogger(__name__)

NAME = "paper"
JITTER = Augmentation(rotation=5.0, shift=0.04, zoom=0.05, gamma=0.2, contrast=0.2)
JITTERED_COPIES = 2
SEEDS = (0, 1, 2, 3, 4)
CANDIDATES = tuple(
    HeadRecipe(network_spec.Head("flatten", units, 0.5), learning_rate=rate)
    for units in (64, 256)
    for rate in (5e-5, 1e-4, 3e-4)
)
VARIANTS = {"with jitter": True, "without jitter": False}


def run(data: dataset.Dataset, vgg19: str, work: Path | None = None) -> network_spec.NetworkSpec:
    """Choose, train five seeds with and without jitter, keep the first seed with jitter, score every film.

    Reported films are scored on float32 features; those of `train` and `extra` on bfloat16's where the processor has
    it (`python -m covid_model evaluate` does them in float32 too).

    Leaves NAME.json, NAME.npz, its rows of scores.csv and the five runs in `assets/`.
    """
    work = config.WORK if work is None else work
    started = time.perf_counter()
    trained_on = data.films["split"].isin(config.TRAINING_SPLITS)
    fast = config.fast_precision()
    reported, others = data.films[~trained_on], data.films[trained_on]
    plain = features.extract(data, list(reported.index), features.FeatureJob(vgg19), work)
    seen = features.extract(data, list(others.index), features.FeatureJob(vgg19, precision=fast), work)
    table = data.split("train")
    copies = [np.array(seen[others["split"].eq("train").to_numpy()])]
    for seed in range(JITTERED_COPIES):
        job = features.FeatureJob(vgg19, jitter=JITTER, seed=seed, precision=fast)
        copies.append(np.array(features.extract(data, list(table.index), job, work)))

    chosen, choice = choose(copies, table)
    runs, shipped = [], None
    for variant, jittered in VARIANTS.items():
        for seed in SEEDS:
            begun = time.perf_counter()
            trained, history = heads.fit(copies if jittered else copies[:1], table["covid"].to_numpy(), chosen, seed)
            seconds = time.perf_counter() - begun
            stored = heads.rounded(trained)
            found = heads.scores(trained, plain)
            runs.append({"variant": variant, "seed": seed} | figures(reported, found))
            log.info("%s", json.dumps(runs[-1]))
            if shipped is None:
                score_dataset.record(NAME, reported, found)
                score_dataset.record(NAME, others, heads.scores(trained, seen))
                shipped = (stored, history, seconds)
    stored, history, seconds = shipped
    config.SEEDS_JSON.parent.mkdir(parents=True, exist_ok=True)
    config.SEEDS_JSON.write_text(json.dumps({"recipe": asdict(chosen), "runs": runs}, indent=1) + "\n")
    what = network_spec.NetworkSpec(
        name=NAME,
        title="The paper's model (frozen VGG-19)",
        short_title="The paper's model",
        help="The published recipe: a frozen ImageNet VGG-19 and two new dense layers, trained on the paper's X-rays.",
        order=20,
        trained_on=("train",),
        summary="VGG-19 with frozen ImageNet convolutional layers; two dense layers trained on the paper's X-rays.",
        threshold=config.THRESHOLD,
        preprocessing=Preprocessing(),
        base=network_spec.IMAGENET,
        head=chosen.head,
        weights=f"{NAME}.npz",
        sha256=model_vgg19.save_weights(stored, config.NETWORKS / f"{NAME}.npz"),
        parameters=sum(array.size for array in stored.values()),
        recipe={
            "ours": asdict(chosen) | {"optimizer": "Adam", "jitter": asdict(JITTER), "copies": 1 + JITTERED_COPIES},
            "paper": {"epochs": config.PAPER_EPOCHS, "loss": "binary cross-entropy", "base": "VGG-19, frozen"},
            "candidates": choice,
        },
        history=history,
        training={
            "films": len(table),
            "covid": int(table["covid"].sum()),
            "seed": SEEDS[0],
            "seconds": round(seconds, 1),
            "recipe_seconds": round(time.perf_counter() - started, 1),
            "machine": describe_machine(),
        },
    )
    what.save()
    return what


def choose(copies: Sequence[np.ndarray], table: pd.DataFrame) -> tuple[HeadRecipe, list[dict]]:
    """The candidate with the highest validation accuracy (the paper's own measure), of equal ones with the highest AUC.

    Also returns what each of them came to. The test films are not touched.
    """
    held_out = dataset.hold_out(table).to_numpy()
    labels = table["covid"].to_numpy()
    parts = [copy[~held_out] for copy in copies]
    validation = (copies[0][held_out], labels[held_out])
    found = []
    for candidate in CANDIDATES:
        _, history = heads.fit(parts, labels[~held_out], candidate, config.SEED, validation)
        found.append(asdict(candidate) | {"history": history} | _last(history))
        log.info("%s %s", candidate, _last(history))
    best = max(range(len(found)), key=lambda number: (found[number]["val_accuracy"], found[number]["val_auc"]))
    for number, one in enumerate(found):
        one["chosen"] = number == best
        if number != best:
            del one["history"]
    return replace(CANDIDATES[best]), found


def _last(history: list[dict[str, float]]) -> dict[str, float]:
    return {key: history[-1][key] for key in ("val_loss", "val_accuracy", "val_auc")}


def figures(films: pd.DataFrame, scores: np.ndarray) -> dict[str, float]:
    """One run's figures on the paper's test films, and what it calls adults without COVID."""
    test = films["split"].eq("test").to_numpy()
    truth, found = films["covid"].to_numpy()[test], scores[test]
    at = {
        threshold: evaluation.rates(found, truth, threshold, draws=0) for threshold in (config.HALF, config.PAPER_MARK)
    }
    unseen = films["split"].eq("extra-test").to_numpy()
    return {
        "accuracy_at_0.5": at[config.HALF]["accuracy"].value,
        "accuracy_at_0.6": at[config.PAPER_MARK]["accuracy"].value,
        "sensitivity": at[config.PAPER_MARK]["sensitivity"].value,
        "specificity": at[config.PAPER_MARK]["specificity"].value,
        "auc": evaluation.roc(found, truth).area,
        "covid_above_0.6": float(is_positive(found[truth == 1], config.PAPER_MARK).mean()),
        "covid_above_0.9": float((found[truth == 1] > config.HIGH).mean()),
        "always_no_accuracy": float((truth == 0).mean()),
        "adults_positive_test": evaluation.adults_without_covid(
            found, truth, films["source"].to_numpy()[test], config.PAPER_MARK
        ).value,
        "adults_positive_extra_test": evaluation.adults_without_covid(
            scores[unseen], films["covid"].to_numpy()[unseen], films["source"].to_numpy()[unseen], config.PAPER_MARK
        ).value,
    }
