"""Faithfulness of Grad-CAM: whether it points at the lungs, and whether the score depends on what it points at.

Share of positive energy inside the lungs, with its floor and ceiling; pointing game (Zhang et al. 2018,
doi 10.1007/s11263-017-1059-x); deletion and insertion curves (Petsiuk et al. 2018, arXiv 1806.07421).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import cv2
import numpy as np
from tqdm import tqdm

from covid_model.data.dataset import read_mask, with_mask
from covid_model.evaluation.bootstrap import share
from covid_model.evaluation.metrics import mean
from covid_model.experiments.context import ExperimentContext
from covid_model.imaging import Film
from covid_model.imaging.perturb import BLUR
from covid_model.verdict import is_positive

STEPS = 20  # of the curves: each changes 5 % of the map's cells
ORDERS = ("grad-cam", "random")


def run(context: ExperimentContext, curves: bool = True) -> dict[str, Any]:
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
        "curves": {"films": int(positive.sum()), "steps": STEPS, "fill": "blur"} | summary(drawn, patients[positive]),
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


def steps_of(order: np.ndarray, steps: int = STEPS) -> Iterator[np.ndarray]:
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
        for changed in steps_of(order_of(heatmap, name, rng), STEPS):
            cells = changed.reshape(heatmap.shape)
            pictures += [blend(pixels, soft, cells, box), blend(pixels, soft, ~cells, box)]
    scores = np.array(list(context.predictor.scores(pictures))).reshape(len(ORDERS), STEPS + 1, 2)
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
