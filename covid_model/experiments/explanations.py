"""Explanation methods held against what is known: a lesion, a planted marker, and the score itself.

The films with a lesion are simulated from a CT, with an opacity put in at a known place. A marker is drawn on a real
film, where it raises the logit the most; its place is known, too. Both count by the pointing game (Zhang et al. 2018,
doi 10.1007/s11263-017-1059-x) and by the share of the heat. Deletion and insertion (Petsiuk et al. 2018, arXiv
1806.07421) need no known place: the score has to move faster in the heatmap's order than in a random one.
Repeatability is the rank correlation with the heatmaps of copies changed less than a reader would notice.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import cv2
import numpy as np
import pandas as pd
from tqdm import tqdm

from covid_model import config, imaging
from covid_model.data import samples
from covid_model.data.dataset import read_mask_file
from covid_model.evaluation.bootstrap import share
from covid_model.evaluation.metrics import mean
from covid_model.experiments.cam_faithfulness import (
    area,
    blend,
    energy_inside,
    lung_cells,
    order_of,
    points_inside,
    steps_of,
    uniform,
)
from covid_model.experiments.context import ExperimentContext
from covid_model.experiments.robustness import SMALL
from covid_model.imaging.perturb import BLUR, TEXTS, mark
from covid_model.model import attribution, device
from covid_model.model.attribution import FAST, METHODS
from covid_model.model.predictor import Predictor, sigmoid
from covid_model.verdict import is_positive

COPIES = 4  # changed a little, of each film with a lesion, for repeatability
FILMS = 12  # real ones with a marker; as many for deletion and insertion
INSET = 0.15  # from the edges of what the network sees to a marker's center, as a share of the side
TOLERANCE = 0.067  # of the shorter side, around a marker: the pointing game's 15 pixels of 224
STEPS = 10  # of deletion and insertion: each changes a tenth of the film
Box = tuple[float, float, float, float]


def run(context: ExperimentContext) -> dict[str, Any]:
    """Measure every method on films with a lesion and with a marker, and by deletion and insertion."""
    fast = context.outputs(device.fast_precision()).predictor  # scores many changed films; heatmaps are in float32
    return lesions(context) | {"markers": markers(context, fast), "curves": curves(context, fast)}


def lesions(context: ExperimentContext) -> dict[str, Any]:
    """Measure pointing game, energy and repeatability on the simulated films with a lesion."""
    films = [sample for sample in samples.samples() if sample.mask is not None]
    known, repeats = [], []
    rng = np.random.default_rng(context.seed)
    for sample in tqdm(films, unit="film", desc="lesions"):
        pixels = imaging.read(sample.path).pixels
        maps = attribution.explain(context.predictor, pixels, tuple(METHODS))
        known.append((maps, read_mask_file(sample.mask, pixels.shape)))
        copies = [attribution.explain(context.predictor, SMALL(pixels, rng)) for _ in range(COPIES)]
        repeats.append(
            {name: float(np.mean([attribution.agreement(maps[name], copy[name]) for copy in copies])) for name in FAST}
        )
    ids = np.array([sample.id for sample in films])
    record = localization(known, context.spec.preprocessing.box, ids)
    for name in FAST:
        record["methods"][name]["repeatability"] = mean([film[name] for film in repeats], ids)
    return {"films": list(ids), "copies": COPIES} | record


def markers(context: ExperimentContext, fast: Predictor) -> dict[str, Any]:
    """Draw the marker that raises the logit the most on adults' films without COVID-19; measure where methods point.

    A method can be blamed for missing a marker only as far as the marker moves the score, so `raises` says how far.
    """
    table = adults(context, covid=0)
    known, scores, logits = [], [], []
    box = context.spec.preprocessing.box
    for film in tqdm(table.index, unit="film", desc="markers"):
        pixels = context.pixels(film)
        marked, before, after = strongest(fast, pixels, box)
        known.append((attribution.explain(context.predictor, marked, tuple(METHODS)), around(pixels, marked)))
        logits.append(after - before)
        scores.append(float(sigmoid(after) - sigmoid(before)))
    patients = table["patient"].to_numpy()
    raises = {"score": mean(scores, patients), "logit": mean(logits, patients)}
    return {"films": len(table), "raises": raises} | localization(known, box, patients)


def strongest(fast: Predictor, pixels: np.ndarray, box: Box) -> tuple[np.ndarray, float, float]:
    """Return the film with the marker that raises the logit the most, and the logit before and after.

    Every text of TEXTS is tried near each corner of `box`, the part that the network sees.
    """
    left, top, right, bottom = box
    across = (left + INSET * (right - left), right - INSET * (right - left))
    down = (top + INSET * (bottom - top), bottom - INSET * (bottom - top))
    drawn = [mark(pixels, text, (x, y)) for text in TEXTS for x in across for y in down]
    before, *after = (logit for logit, _ in fast.outputs([pixels, *drawn]))
    best = int(np.argmax(after))
    return drawn[best], before, after[best]


def around(pixels: np.ndarray, marked: np.ndarray) -> np.ndarray:
    """Return the rectangle around all that differs, with TOLERANCE on every side: (height, width) bool."""
    rows, columns = np.nonzero(pixels != marked)
    grow = round(TOLERANCE * min(pixels.shape))
    region = np.zeros(pixels.shape, bool)
    region[
        max(0, rows.min() - grow) : rows.max() + grow + 1, max(0, columns.min() - grow) : columns.max() + grow + 1
    ] = True
    return region


def localization(
    known: Sequence[tuple[Mapping[str, np.ndarray], np.ndarray]], box: Box, patients: np.ndarray
) -> dict[str, Any]:
    """Return pointing game and energy by method, and `even`: those of a heatmap that is the same everywhere.

    Args:
        known: for each film, its heatmaps by method, and where the truth is, (height, width) bool.
        box: the part of the film that the heatmaps cover.
        patients: (films,).
    """
    figures = {}
    for name in METHODS:
        cells = [(maps[name], lung_cells(region, box, maps[name].shape)) for maps, region in known]
        figures[name] = {
            "pointing": share([points_inside(heatmap, inside) for heatmap, inside in cells], patients),
            "energy": mean([energy_inside(heatmap, inside) or 0.0 for heatmap, inside in cells], patients),
        }
    cells = [lung_cells(region, box, maps[attribution.GRAD_CAM].shape) for maps, region in known]
    even = {
        "pointing": mean([float((inside > 0.5).mean()) for inside in cells], patients),
        "energy": mean([uniform(inside) for inside in cells], patients),
    }
    return {"methods": figures, "even": even}


def curves(context: ExperimentContext, fast: Predictor) -> dict[str, Any]:
    """Measure how much faster the score falls and rises in each heatmap's order than in a random one.

    The films are adults' COVID-19 X-rays that the network calls positive.
    """
    table = adults(context, covid=1)
    box = context.spec.preprocessing.box
    gains: list[dict[str, dict[str, float]]] = []
    for number, film in enumerate(tqdm(table.index, unit="film", desc="deletion and insertion")):
        pixels = context.pixels(film)
        maps = attribution.explain(context.predictor, pixels, tuple(METHODS))
        rng = np.random.default_rng(context.seed + number)
        gains.append(gain_over_random(fast, pixels, maps, box, rng))
    patients = table["patient"].to_numpy()
    return {
        "films": len(table),
        "steps": STEPS,
        "methods": {
            name: {kind: mean([film[name][kind] for film in gains], patients) for kind in ("deletion", "insertion")}
            for name in METHODS
        },
    }


def gain_over_random(
    fast: Predictor, pixels: np.ndarray, maps: Mapping[str, np.ndarray], box: Box, rng: np.random.Generator
) -> dict[str, dict[str, float]]:
    """Return each method's area between its curve and that of a random order, above 0 where the method is better.

    By method: `deletion` (parts of the film are blurred, the score should fall soon) and `insertion` (parts of the
    blurred film are restored, it should rise soon).
    """
    soft = cv2.GaussianBlur(pixels, (0, 0), BLUR * max(pixels.shape))
    shape = maps[attribution.GRAD_CAM].shape
    orders = {name: (order_of(heatmap, name, rng), heatmap.shape) for name, heatmap in maps.items()}
    orders["random"] = order_of(np.zeros(shape), "random", rng), shape

    def changed() -> Iterator[np.ndarray]:
        yield from (pixels, blend(pixels, soft, np.ones(shape, bool), box))
        for order, size in orders.values():
            for cells in list(steps_of(order, STEPS))[1:-1]:
                yield blend(pixels, soft, cells.reshape(size), box)
                yield blend(pixels, soft, ~cells.reshape(size), box)

    whole, blurred, *scores = fast.scores(changed())
    inner = np.array(scores).reshape(len(orders), STEPS - 1, 2)
    areas = {
        name: (area(np.array([whole, *inner[row, :, 0], blurred])), area(np.array([blurred, *inner[row, :, 1], whole])))
        for row, name in enumerate(orders)
    }
    lost, won = areas["random"]
    return {name: {"deletion": lost - areas[name][0], "insertion": areas[name][1] - won} for name in maps}


def adults(context: ExperimentContext, covid: int) -> pd.DataFrame:
    """Return FILMS reported films of adults with this truth, no two of one patient; of COVID-19 only true positives."""
    table = context.scores
    wanted = ~table["split"].isin(config.TRAINING_SPLITS) & table["source"].ne(config.CHILDREN)
    wanted &= table["covid"].eq(covid)
    if covid:
        wanted &= is_positive(table["score"], context.spec.threshold)
    chosen = table[wanted].sort_index().drop_duplicates("patient")
    return chosen.sample(min(FILMS, len(chosen)), random_state=context.seed)
