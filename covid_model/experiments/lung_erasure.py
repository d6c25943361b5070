"""Lungs erased, lungs only: how much of the score survives without what the question is about.

Maguolo and Nanni (2021, doi 10.1016/j.inffus.2021.04.008) blanked the middle of films and networks told COVID-19 data
sets apart as well as before. Here: the films with lung masks (Selvan et al. 2020), read by the network as it is; and
the paper's recipe trained and tested on films whose middle is blank.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from tqdm import tqdm

from covid_model import config, evaluation
from covid_model.data import dataset, lung_masks
from covid_model.evaluation import by_patient
from covid_model.evaluation.bootstrap import share
from covid_model.evaluation.by_patient import mean
from covid_model.experiments.context import ExperimentContext
from covid_model.imaging import perturb
from covid_model.imaging.perturb import FILLS, fill, rectangle
from covid_model.model import network_spec
from covid_model.training import features

BLANK = (0.06, 0.06, 0.94, 0.94)  # left, top, right, bottom of the blank middle: 99 % of what lung masks cover


def run(case: ExperimentContext) -> dict[str, Any]:
    """The test films with masks, erased in every way; and, for a network on the frozen base, the recipe on blanks."""
    table = lung_masks.with_mask(case.data, "test")
    scores, truth = score_all(case, table), table["covid"].to_numpy()
    found = {
        "films": len(table),
        "covid": int(truth.sum()),
        "patients": int(table["patient"].nunique()),
        "fills": FILLS,
        "variants": perturb.ERASURES,
        "whole": _figures(scores["whole"], scores["whole"], table, case.spec.threshold),
        "erased": [
            {"variant": variant, "fill": fill}
            | _figures(scores[variant, fill], scores["whole"], table, case.spec.threshold)
            for variant in perturb.ERASURES
            for fill in FILLS
        ],
        "films_scores": {
            "id": list(table.index),
            "covid": truth,
            **{key if isinstance(key, str) else " / ".join(key): value for key, value in scores.items()},
        },
    }
    if case.spec.base == network_spec.IMAGENET:
        found["trained_on_blanks"] = train_on_blanks(case)
    return found


def variants(pixels: np.ndarray, lungs: np.ndarray, seed: int = 0) -> Iterator[tuple[tuple[str, str], np.ndarray]]:
    """Every way to erase: ((variant, fill), the film so changed)."""
    for variant in perturb.ERASURES:
        where = perturb.erased_region(variant, lungs)
        for how in FILLS:
            yield (variant, how), fill(pixels, where, how, lungs, seed)


def score_all(case: ExperimentContext, table: pd.DataFrame) -> dict[str | tuple[str, str], np.ndarray]:
    """The scores (n,) of the films of `table`: "whole", and by (variant, fill)."""
    keys: list[str | tuple[str, str]] = ["whole", *((variant, how) for variant in perturb.ERASURES for how in FILLS)]

    def pictures() -> Iterator[np.ndarray]:
        for number, film in enumerate(tqdm(table.index, unit="film", desc="lungs")):
            pixels = case.pixels(film)
            yield pixels
            yield from (
                changed
                for _, changed in variants(
                    pixels, lung_masks.read_mask(case.data, film, pixels.shape), case.seed + number
                )
            )

    found = np.array(list(case.predictor.scores(pictures()))).reshape(len(table), len(keys))
    return dict(zip(keys, found.T, strict=True))


def _figures(scores: np.ndarray, whole: np.ndarray, table: pd.DataFrame, threshold: float) -> dict[str, Any]:
    """What is left of the whole film's scores."""
    covid, patients = table["covid"].to_numpy() == 1, table["patient"].to_numpy()
    return {
        "auc": evaluation.area_intervals(scores, covid, patients)["auc"],
        "covid_positive": share(scores[covid] > threshold, patients[covid]),
        "other_positive": share(scores[~covid] > threshold, patients[~covid]),
        "mean_score": {"covid": _mean(scores[covid]), "other": _mean(scores[~covid])},
        "change": mean(scores - whole, patients),
        "verdict_stays": share((scores > threshold) == (whole > threshold), patients),
    }


def _mean(values: np.ndarray) -> float | None:
    return float(values.mean()) if values.size else None


@dataclass(frozen=True)
class Blank:
    """Fills the middle of a film with its own border grey; stands where features.FeatureJob wants a jitter."""

    left: float = BLANK[0]
    top: float = BLANK[1]
    right: float = BLANK[2]
    bottom: float = BLANK[3]

    def __call__(self, pixels: np.ndarray, rng: np.random.Generator | None = None) -> np.ndarray:
        """(height, width) uint8 to the same."""
        where = self.where(pixels.shape)
        return fill(pixels, where, "border grey", where)

    def where(self, shape: tuple[int, int]) -> np.ndarray:
        """What is filled of a film of (height, width): bool."""
        return rectangle(shape, self.left, self.top, self.right, self.bottom)


def train_on_blanks(case: ExperimentContext, blank: Blank | None = None) -> dict[str, Any]:
    """The network's own recipe (frozen base, no jitter) trained and tested on films whose middle is blank.

    If this scores like the whole films do, then the protocol rewards something other than lungs. `whole` is the same
    run on whole films, as the recipe's own record has it.
    """
    from covid_model.training import heads

    blank, threshold = blank or Blank(), case.spec.threshold
    train, test = case.training, case.data.split("test")
    job = features.FeatureJob(
        dataset.weights_file(case.vgg19), case.spec.preprocessing, blank, precision=config.fast_precision()
    )
    seen = np.array(features.extract(case.data, list(train.index), job, case.work))
    unseen = features.extract(case.data, list(test.index), job, case.work)
    head, _ = heads.fit([seen], train["covid"].to_numpy(), recipe_of(case.spec), seed=0)
    return {
        "blank": asdict(blank),
        "fill": "border grey",
        "trained_on": len(train),
        "lungs_covered": covered(case.data, blank),
        "whole": whole_run() if case.name == "paper" else None,
        "blank_middle": by_patient.accuracy_and_auc(test, heads.scores(head, unseen), threshold),
        "always_no": by_patient.accuracy_and_auc(test, np.zeros(len(test)), threshold),
    }


def covered(data: dataset.Dataset, blank: Blank) -> float | None:
    """The mean share of a lung mask that `blank` covers, over all films that have one."""
    shape = (config.INPUT_SIZE, config.INPUT_SIZE)
    inside = blank.where(shape)
    masks = (lung_masks.read_mask(data, film, shape) for film in lung_masks.with_mask(data, *config.SPLITS).index)
    shares = [float(inside[mask].mean()) for mask in masks if mask.any()]
    return float(np.mean(shares)) if shares else None


def whole_run() -> dict[str, Any] | None:
    """The recipe's run without jitter and with the seed used here, as its own record has it; None without one."""
    try:
        runs = json.loads(config.SEEDS_JSON.read_text(encoding="utf-8"))["runs"]
    except (OSError, ValueError, KeyError):
        return None
    return next((run for run in runs if run["variant"] == "without jitter" and run["seed"] == 0), None)


def recipe_of(spec: network_spec.NetworkSpec):
    """The training.heads.HeadRecipe that a network on the frozen base was trained by, as its JSON says it."""
    from covid_model.training.heads import HeadRecipe

    ours = spec.recipe.get("ours", {})
    known = {key: ours[key] for key in ("learning_rate", "batch", "epochs") if key in ours}
    return replace(HeadRecipe(head=spec.head), **known)
