"""Lungs erased, or only lungs kept: how much of the score survives without the organ in question.

Maguolo and Nanni (2021, doi 10.1016/j.inffus.2021.04.008) blanked the center of X-rays, and networks still told the
COVID-19 data sets apart as well as before. Here the network reads films with expert lung masks (Selvan et al. 2020)
after such erasures, and the paper's recipe is trained and tested on films with a blank center.

The masks of our simulated X-rays come from their CT and include the lung behind heart and diaphragm, which no X-ray
shows; for those, the measure is how much of our mask is inside.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
from tqdm import tqdm

from covid_model import config, evaluation, imaging
from covid_model.data import dataset, samples
from covid_model.evaluation import metrics
from covid_model.evaluation.bootstrap import share
from covid_model.evaluation.metrics import mean, to_json
from covid_model.experiments.context import ExperimentContext, ExperimentError
from covid_model.imaging import lung_mask, perturb
from covid_model.imaging.perturb import FILLS, fill, rectangle
from covid_model.model import device, registry
from covid_model.training import features
from covid_model.training.frozen_head import HeadRecipe

BLANK = (0.06, 0.06, 0.94, 0.94)  # left, top, right, bottom: covers 99 % of the area of the lung masks


def run(context: ExperimentContext) -> dict[str, Any]:
    """Score the test films with masks after every erasure; retrain a network on the frozen base on blanked films."""
    table = dataset.with_mask(context.data, "test")
    scores, truth = score_all(context, table), table["covid"].to_numpy()
    record = {
        "films": len(table),
        "covid": int(truth.sum()),
        "patients": int(table["patient"].nunique()),
        "fills": FILLS,
        "variants": perturb.ERASURES,
        "whole": _figures(scores["whole"], scores["whole"], table, context.spec.threshold),
        "erased": [
            {"variant": variant, "fill": fill}
            | _figures(scores[variant, fill], scores["whole"], table, context.spec.threshold)
            for variant in perturb.ERASURES
            for fill in FILLS
        ],
        "films_scores": {
            "id": list(table.index),
            "covid": truth,
            **{key if isinstance(key, str) else " / ".join(key): value for key, value in scores.items()},
        },
    }
    if context.spec.base == registry.IMAGENET:
        record["trained_on_blanks"] = train_on_blanks(context)
    return record


def variants(pixels: np.ndarray, lungs: np.ndarray, seed: int = 0) -> Iterator[tuple[tuple[str, str], np.ndarray]]:
    """Yield every erasure of a film: ((variant, fill), the changed pixels)."""
    for variant in perturb.ERASURES:
        region = perturb.erased_region(variant, lungs)
        for filling in FILLS:
            yield (variant, filling), fill(pixels, region, filling, lungs, seed)


def score_all(context: ExperimentContext, table: pd.DataFrame) -> dict[str | tuple[str, str], np.ndarray]:
    """Return the scores (n,) of the films of `table`: under "whole", and under each (variant, fill)."""
    keys: list[str | tuple[str, str]] = [
        "whole",
        *((variant, filling) for variant in perturb.ERASURES for filling in FILLS),
    ]

    def pictures() -> Iterator[np.ndarray]:
        for number, film in enumerate(tqdm(table.index, unit="film", desc="lungs")):
            pixels = context.pixels(film)
            yield pixels
            yield from (
                changed
                for _, changed in variants(
                    pixels, dataset.read_mask(context.data, film, pixels.shape), context.seed + number
                )
            )

    scores = np.array(list(context.predictor.scores(pictures()))).reshape(len(table), len(keys))
    return dict(zip(keys, scores.T, strict=True))


def _figures(scores: np.ndarray, whole: np.ndarray, table: pd.DataFrame, threshold: float) -> dict[str, Any]:
    """Return the figures of scores (n,) after an erasure, next to those of the whole films.

    `covid_stays_positive` is the share of the COVID-19 films that are positive whole and still are after the erasure.
    """
    covid, patients = table["covid"].to_numpy() == 1, table["patient"].to_numpy()
    called = covid & (whole > threshold)
    return {
        "auc": evaluation.area_intervals(scores, covid, patients)["auc"],
        "covid_positive": share(scores[covid] > threshold, patients[covid]),
        "covid_stays_positive": share(scores[called] > threshold, patients[called]),
        "other_positive": share(scores[~covid] > threshold, patients[~covid]),
        "mean_score": {"covid": _mean(scores[covid]), "other": _mean(scores[~covid])},
        "change": mean(scores - whole, patients),
        "verdict_stays": share((scores > threshold) == (whole > threshold), patients),
    }


def _mean(values: np.ndarray) -> float | None:
    return float(values.mean()) if values.size else None


@dataclass(frozen=True)
class Blank:
    """Fills the center of a film with its border's gray. Used in place of an augmentation in features.FeatureJob."""

    left: float = BLANK[0]
    top: float = BLANK[1]
    right: float = BLANK[2]
    bottom: float = BLANK[3]

    def __call__(self, pixels: np.ndarray, rng: np.random.Generator | None = None) -> np.ndarray:
        """Return the film with its center filled, (height, width) uint8."""
        region = self.region(pixels.shape)
        return fill(pixels, region, "border grey", region)

    def region(self, shape: tuple[int, int]) -> np.ndarray:
        """Return the filled region of a film of shape (height, width), as bool of that shape."""
        return rectangle(shape, self.left, self.top, self.right, self.bottom)


def train_on_blanks(context: ExperimentContext) -> dict[str, Any]:
    """Train and test the network's recipe (frozen base, no augmentation) on films with a blank center.

    If it reaches the figures of whole films, the protocol rewards something other than lungs. `whole` is the same run
    on whole films, from the record of the paper's recipe.
    """
    from covid_model.training import frozen_head

    blank, threshold = Blank(), context.spec.threshold
    train, test = context.training, context.data.split("test")
    job = features.FeatureJob(
        dataset.weights_file(context.vgg19), context.spec.preprocessing, blank, precision=device.fast_precision()
    )
    seen = np.array(features.extract(context.data, list(train.index), job, context.work))
    unseen = features.extract(context.data, list(test.index), job, context.work)
    head, _ = frozen_head.fit([seen], train["covid"].to_numpy(), recipe_of(context.spec), seed=0)
    return {
        "blank": asdict(blank),
        "fill": "border grey",
        "trained_on": len(train),
        "lungs_covered": covered(context.data, blank),
        "whole": whole_run() if context.name == "paper" else None,
        "blank_middle": metrics.accuracy_and_auc(test, frozen_head.scores(head, unseen), threshold),
        "always_no": metrics.accuracy_and_auc(test, np.zeros(len(test)), threshold),
    }


def covered(data: dataset.Dataset, blank: Blank) -> float | None:
    """Return the mean share of the lungs that `blank` covers, over all films with a mask; None if there are none."""
    shape = (config.INPUT_SIZE, config.INPUT_SIZE)
    inside = blank.region(shape)
    masks = (dataset.read_mask(data, film, shape) for film in dataset.with_mask(data, *config.SPLITS).index)
    shares = [float(inside[mask].mean()) for mask in masks if mask.any()]
    return float(np.mean(shares)) if shares else None


def whole_run() -> dict[str, Any] | None:
    """Return the recorded run of the paper's recipe without augmentation, with the same seed; None if there is none."""
    try:
        runs = json.loads(config.SEEDS_JSON.read_text(encoding="utf-8"))["runs"]
    except (OSError, ValueError, KeyError):
        return None
    return next((run for run in runs if run["variant"] == "without augmentation" and run["seed"] == 0), None)


def recipe_of(spec: registry.NetworkSpec) -> HeadRecipe:
    """Return the recipe of a network on the frozen base, from its JSON."""
    ours = spec.recipe.get("ours", {})
    settings = {key: ours[key] for key in ("learning_rate", "batch", "epochs") if key in ours}
    return replace(HeadRecipe(head=spec.head), **settings)


# --- Accuracy of `imaging.lung_mask` against the experts' masks. No network is involved ---


def dice(first: np.ndarray, second: np.ndarray) -> float:
    """Return the Dice coefficient of two bool masks of the same shape, in [0, 1]; 1 if both are empty."""
    areas = int(first.sum()) + int(second.sum())
    return 2 * int((first & second).sum()) / areas if areas else 1.0


def mask_accuracy(data: dataset.Dataset) -> dict[str, Any]:
    """Measure the Dice coefficient of every film with a mask, by split (tuned on `train`), and of simulated ones.

    Raises:
        ExperimentError: no film of the data folder has a mask.
    """
    table = dataset.with_mask(data, *config.SPLITS)
    if table.empty:
        raise ExperimentError(f"The data folder {data.folder} has no X-ray with a lung mask to compare with.")
    scores = np.array([_film_dice(data, film) for film in tqdm(table.index, "segmentation", unit="film")], object)
    splits = [split for split in config.SPLITS if table["split"].eq(split).any()]
    return {
        "every": dice_summary(scores),
        "splits": {split: dice_summary(scores[table["split"] == split]) for split in splits},
        "simulated": inside(_sample_masks()),
    }


def write_mask_accuracy(data: dataset.Dataset, to: Path | None = None) -> Path:
    """Measure and write the record to `to`; return the path."""
    to = config.SEGMENTATION_JSON if to is None else to
    to.write_text(json.dumps(to_json(mask_accuracy(data)), indent=1, allow_nan=False) + "\n", encoding="utf-8")
    return to


def dice_summary(scores: Iterable[float | None]) -> dict[str, Any]:
    """Return the number of films, of those with lungs found, and their lowest, first-decile and median Dice."""
    values = list(scores)
    known = np.array([value for value in values if value is not None])
    quantiles = {"lowest": 0.0, "lower_decile": 0.1, "median": 0.5}
    return {
        "films": len(values),
        "found": len(known),
        "dice": {name: float(np.quantile(known, share)) if known.size else None for name, share in quantiles.items()},
    }


def inside(pairs: Iterable[tuple[np.ndarray | None, np.ndarray]]) -> dict[str, Any]:
    """Return the numbers of films and of those with lungs found, and the lowest share of a mask inside the other."""
    masks = list(pairs)
    shares = [float(other[computed].mean()) for computed, other in masks if computed is not None]
    return {"films": len(masks), "found": len(shares), "lowest_share_inside": min(shares, default=None)}


def drawn(pixels: np.ndarray) -> np.ndarray | None:
    """Return the computed mask of a film (height, width) uint8; None if no lungs are found."""
    try:
        return lung_mask.find(pixels)
    except lung_mask.NoLungs:
        return None


def _film_dice(data: dataset.Dataset, film: str) -> float | None:
    pixels = imaging.read(data.path(film)).pixels
    computed = drawn(pixels)
    return None if computed is None else dice(computed, dataset.read_mask(data, film, pixels.shape))


def _sample_masks() -> Iterable[tuple[np.ndarray | None, np.ndarray]]:
    for sample in samples.samples():
        if sample.lungs:
            mask = cv2.imread(str(sample.lungs), cv2.IMREAD_GRAYSCALE) > 0
            yield drawn(imaging.read(sample.path).pixels), mask
