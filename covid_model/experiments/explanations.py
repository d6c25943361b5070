"""Explanation methods held against what is known: the lungs, a lesion, a planted marker, and the score itself.

`attention` asks whether Grad-CAM points at the lungs (share of positive energy inside them, with its floor and ceiling;
pointing game), and whether the score depends on what it points at (deletion and insertion curves).

`run` compares all methods. The films with a lesion are simulated from a CT, with an opacity put in at a known place. A
marker is drawn on a real film, where it raises the logit the most; its place is known, too. Both count by the pointing
game (Zhang et al. 2018, doi 10.1007/s11263-017-1059-x) and by the share of the heat. Deletion and insertion (Petsiuk et
al. 2018, arXiv 1806.07421) need no known place: the score has to move faster in the heatmap's order than in a random
one. Repeatability is the rank correlation with the heatmaps of copies changed less than a reader would notice.
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
from covid_model.data.dataset import read_mask, read_mask_file, with_mask
from covid_model.evaluation.bootstrap import share
from covid_model.evaluation.metrics import mean
from covid_model.experiments.context import ExperimentContext
from covid_model.experiments.robustness import SMALL
from covid_model.imaging import Film
from covid_model.imaging.perturb import BLUR, TEXTS, mark
from covid_model.model import attribution, device
from covid_model.model.attribution import FAST, METHODS
from covid_model.model.predictor import Predictor, sigmoid
from covid_model.verdict import is_positive

# --- Grad-CAM and the lungs, and the measures that `run` shares ---

ATTENTION_STEPS = 20  # of the curves: each changes 5 % of the map's cells
ORDERS = ("grad-cam", "random")


def attention(context: ExperimentContext, curves: bool = True) -> dict[str, Any]:
    """Measure the test films with masks; with `curves`, deletion and insertion too, which take most of the time."""
    table = with_mask(context.data, "test")
    energy, hits, areas, drawn, positives = [], [], [], [], []
    for number, film in enumerate(tqdm(table.index, unit="film", desc="attention")):
        pixels = context.pixels(film)
        prediction = context.predictor.predict(Film(pixels, (), "JPEG"))
        cells = lung_cells(read_mask(context.data, film, pixels.shape), prediction.box, prediction.heatmap.shape)
        energy.append(energy_inside(prediction.heatmap, cells))
        hits.append(points_inside(prediction.heatmap, cells))
        areas.append((uniform(cells), ceiling(cells), float((cells > 0.5).mean())))
        positives.append(curves and bool(is_positive(prediction.score, context.spec.threshold)))
        if positives[-1]:
            drawn.append(film_curves(context, pixels, prediction.heatmap, prediction.box, context.seed + number))
    patients = table["patient"].to_numpy()
    positive = np.array(positives, bool)
    floors, ceilings, chances = np.array(areas).reshape(-1, 3).T
    known = np.array([value is not None for value in energy], bool)
    shares = np.array([np.nan if value is None else value for value in energy])
    return {
        "films": len(table),
        "energy_in_lungs": {
            "films": int(known.sum()),
            "value": mean(shares[known], patients[known]),
            "floor": mean(floors[known], patients[known]),
            "above_floor": mean((shares - floors)[known], patients[known]),
            "ceiling": mean(ceilings[known], patients[known]),
        },
        "pointing_game": {
            "films": int(known.sum()),
            "value": share(np.array([bool(hit) for hit in hits])[known], patients[known]),
            "chance": mean(chances[known], patients[known]),
        },
        "curves": {"films": int(positive.sum()), "steps": ATTENTION_STEPS, "fill": "blur"}
        | summary(drawn, patients[positive]),
    }


def lung_cells(lungs: np.ndarray, box: tuple[float, float, float, float], shape: tuple[int, int]) -> np.ndarray:
    """Return the share of each cell of a map that is lung.

    Args:
        lungs: mask of the whole film, (height, width) bool.
        box: left, top, right, bottom of the part that the map covers, as fractions of the film.
        shape: the map's, (h, w).

    Returns:
        (h, w) float32 in [0, 1].
    """
    (height, width), (left, top, right, bottom) = lungs.shape, box
    inner = lungs[round(top * height) : round(bottom * height), round(left * width) : round(right * width)]
    return cv2.resize(inner.astype(np.float32), shape[::-1], interpolation=cv2.INTER_AREA)


def energy_inside(heatmap: np.ndarray, cells: np.ndarray) -> float | None:
    """Return the share of the map's positive energy that is inside the lungs, in [0, 1]; None if there is none."""
    positive = np.maximum(heatmap, 0)
    return float((positive * cells).sum() / positive.sum()) if positive.any() else None


def uniform(cells: np.ndarray) -> float:
    """Return the floor of that share: a constant map's, which is the lungs' share of the area."""
    return float(cells.mean())


def ceiling(cells: np.ndarray) -> float:
    """Return the ceiling of that share: the mask's own, below 1 because cells on the outline are only partly lung."""
    return energy_inside(cells, cells) or 0.0


def points_inside(heatmap: np.ndarray, cells: np.ndarray) -> bool:
    """Return whether the map's highest cell is more than half lung."""
    return bool(cells.flat[int(np.argmax(heatmap))] > 0.5)


def order_of(heatmap: np.ndarray, name: str, rng: np.random.Generator) -> np.ndarray:
    """Return the indices of the cells in the order in which they are changed: highest first, or at random."""
    return rng.permutation(heatmap.size) if name == "random" else np.argsort(-heatmap, axis=None, kind="stable")


def steps_of(order: np.ndarray, steps: int = ATTENTION_STEPS) -> Iterator[np.ndarray]:
    """Yield which cells are changed after 0, 1, ... `steps` steps, bool (cells,): from none to all."""
    for step in range(steps + 1):
        changed = np.zeros(order.size, bool)
        changed[order[: round(order.size * step / steps)]] = True
        yield changed


def blend(pixels: np.ndarray, other: np.ndarray, cells: np.ndarray, box: tuple[float, ...]) -> np.ndarray:
    """Return `pixels` with the map's `cells` (h, w) bool replaced from `other`; nothing changes outside `box`."""
    (height, width), (left, top, right, bottom) = pixels.shape, box
    rows = slice(round(top * height), round(bottom * height))
    columns = slice(round(left * width), round(right * width))
    out = pixels.copy()
    size = (columns.stop - columns.start, rows.stop - rows.start)
    region = cv2.resize(cells.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST).astype(bool)
    out[rows, columns][region] = other[rows, columns][region]
    return out


def film_curves(
    context: ExperimentContext, pixels: np.ndarray, heatmap: np.ndarray, box: tuple[float, ...], seed: int
) -> dict[tuple[str, str], np.ndarray]:
    """Return scores (steps + 1,) by (kind, order): "deletion" blurs cell after cell, "insertion" restores them."""
    soft = cv2.GaussianBlur(pixels, (0, 0), BLUR * max(pixels.shape))
    rng = np.random.default_rng(seed)
    pictures = []
    for name in ORDERS:
        for changed in steps_of(order_of(heatmap, name, rng), ATTENTION_STEPS):
            cells = changed.reshape(heatmap.shape)
            pictures += [blend(pixels, soft, cells, box), blend(pixels, soft, ~cells, box)]
    scores = np.array(list(context.predictor.scores(pictures))).reshape(len(ORDERS), ATTENTION_STEPS + 1, 2)
    return {
        (kind, name): scores[row, :, column]
        for row, name in enumerate(ORDERS)
        for column, kind in enumerate(("deletion", "insertion"))
    }


def area(curve: np.ndarray) -> float:
    """Return the area under a curve of scores (n,) evenly spaced over [0, 1]."""
    return float(np.trapezoid(curve, dx=1 / (len(curve) - 1)))


def summary(curves: list[dict[tuple[str, str], np.ndarray]], patients: np.ndarray) -> dict[str, Any]:
    """Return mean curves and areas, and Grad-CAM's gain over a random order (above 0 is better, for both kinds)."""
    if not curves:
        return {"deletion": None, "insertion": None}
    result: dict[str, Any] = {}
    for kind, better in (("deletion", -1), ("insertion", 1)):
        areas = {name: np.array([area(film[kind, name]) for film in curves]) for name in ORDERS}
        result[kind] = {
            name: {
                "area": mean(areas[name], patients),
                "curve": np.mean([film[kind, name] for film in curves], axis=0),
            }
            for name in ORDERS
        } | {"gain_over_random": mean(better * (areas["grad-cam"] - areas["random"]), patients)}
    return result


# --- Every method ---

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
