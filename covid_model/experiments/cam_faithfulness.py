"""Where it looks: Grad-CAM against lung masks, and whether what the map points at is what the score hangs on.

Share of positive energy inside the lungs; pointing game (Zhang et al. 2018, doi 10.1007/s11263-017-1059-x); deletion
and insertion curves (Petsiuk et al. 2018, arXiv 1806.07421), beside floor and ceiling.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import cv2
import numpy as np
from tqdm import tqdm

from covid_model.data.lung_masks import read_mask, with_mask
from covid_model.evaluation.bootstrap import share
from covid_model.evaluation.by_patient import mean
from covid_model.experiments.context import ExperimentContext
from covid_model.imaging import Film
from covid_model.imaging.perturb import BLUR
from covid_model.verdict import is_positive

STEPS = 20  # of the curves: each takes 5 % of the map's cells
ORDERS = ("grad-cam", "random")


def run(case: ExperimentContext, curves: bool = True) -> dict[str, Any]:
    """The test films with masks. `curves`: deletion and insertion too, which take most of the time."""
    table = with_mask(case.data, "test")
    energy, hits, areas, drawn, called = [], [], [], [], []
    for number, film in enumerate(tqdm(table.index, unit="film", desc="attention")):
        pixels = case.pixels(film)
        reading = case.predictor.predict(Film(pixels, (), "JPEG"))
        cells = lung_cells(read_mask(case.data, film, pixels.shape), reading.box, reading.heatmap.shape)
        energy.append(energy_inside(reading.heatmap, cells))
        hits.append(points_inside(reading.heatmap, cells))
        areas.append((uniform(cells), ceiling(cells), float((cells > 0.5).mean())))
        called.append(curves and bool(is_positive(reading.score, case.spec.threshold)))
        if called[-1]:
            drawn.append(film_curves(case, pixels, reading.heatmap, reading.box, case.seed + number))
    patients = table["patient"].to_numpy()
    positive = np.array(called, bool)
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
    """How much of each cell of a map is lung.

    Args:
        lungs: (height, width) bool of the whole film.
        box: left, top, right, bottom of the part that the map covers, as fractions of the film.
        shape: of the map, (h, w).

    Returns:
        (h, w) float32 in [0, 1].
    """
    (height, width), (left, top, right, bottom) = lungs.shape, box
    inner = lungs[round(top * height) : round(bottom * height), round(left * width) : round(right * width)]
    return cv2.resize(inner.astype(np.float32), shape[::-1], interpolation=cv2.INTER_AREA)


def energy_inside(heatmap: np.ndarray, cells: np.ndarray) -> float | None:
    """The share of the map's positive energy that lies in lungs, 0 to 1; None for a map without any."""
    positive = np.maximum(heatmap, 0)
    return float((positive * cells).sum() / positive.sum()) if positive.any() else None


def uniform(cells: np.ndarray) -> float:
    """The floor: the same share for a map that is alike everywhere, which is the lungs' share of the picture."""
    return float(cells.mean())


def ceiling(cells: np.ndarray) -> float:
    """The same share for the mask itself as a map: below 1, as cells on the outline are part lung, part not."""
    return energy_inside(cells, cells) or 0.0


def points_inside(heatmap: np.ndarray, cells: np.ndarray) -> bool:
    """Whether the map's highest cell is more lung than not."""
    return bool(cells.flat[int(np.argmax(heatmap))] > 0.5)


def order_of(heatmap: np.ndarray, name: str, rng: np.random.Generator) -> np.ndarray:
    """The cells' numbers in the order in which they are taken: highest first, or at random."""
    return rng.permutation(heatmap.size) if name == "random" else np.argsort(-heatmap, axis=None, kind="stable")


def steps_of(order: np.ndarray, steps: int = STEPS) -> Iterator[np.ndarray]:
    """Which cells are taken after 0, 1, ... `steps` steps: bool (cells,); none at first, all at last."""
    for step in range(steps + 1):
        taken = np.zeros(order.size, bool)
        taken[order[: round(order.size * step / steps)]] = True
        yield taken


def blend(pixels: np.ndarray, other: np.ndarray, cells: np.ndarray, box: tuple[float, ...]) -> np.ndarray:
    """`pixels` with the map's `cells` (h, w) bool taken from `other`; outside `box` nothing changes."""
    (height, width), (left, top, right, bottom) = pixels.shape, box
    rows = slice(round(top * height), round(bottom * height))
    columns = slice(round(left * width), round(right * width))
    out = pixels.copy()
    size = (columns.stop - columns.start, rows.stop - rows.start)
    where = cv2.resize(cells.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST).astype(bool)
    out[rows, columns][where] = other[rows, columns][where]
    return out


def film_curves(
    case: ExperimentContext, pixels: np.ndarray, heatmap: np.ndarray, box: tuple[float, ...], seed: int
) -> dict[tuple[str, str], np.ndarray]:
    """Scores (steps + 1,) by (kind, order): "deletion" blurs cell after cell, "insertion" sharpens a blurred film."""
    soft = cv2.GaussianBlur(pixels, (0, 0), BLUR * max(pixels.shape))
    rng = np.random.default_rng(seed)
    pictures = []
    for name in ORDERS:
        for taken in steps_of(order_of(heatmap, name, rng), STEPS):
            cells = taken.reshape(heatmap.shape)
            pictures += [blend(pixels, soft, cells, box), blend(pixels, soft, ~cells, box)]
    scores = np.array(list(case.predictor.scores(pictures))).reshape(len(ORDERS), STEPS + 1, 2)
    return {
        (kind, name): scores[row, :, column]
        for row, name in enumerate(ORDERS)
        for column, kind in enumerate(("deletion", "insertion"))
    }


def area(curve: np.ndarray) -> float:
    """The area under a curve of evenly spaced scores (n,) over [0, 1]."""
    return float(np.trapezoid(curve, dx=1 / (len(curve) - 1)))


def summary(curves: list[dict[tuple[str, str], np.ndarray]], patients: np.ndarray) -> dict[str, Any]:
    """Mean curves and areas; and by how much Grad-CAM's order beats a random one (above 0 is better, both ways)."""
    if not curves:
        return {"deletion": None, "insertion": None}
    found: dict[str, Any] = {}
    for kind, better in (("deletion", -1), ("insertion", 1)):
        areas = {name: np.array([area(one[kind, name]) for one in curves]) for name in ORDERS}
        found[kind] = {
            name: {
                "area": mean(areas[name], patients),
                "curve": np.mean([one[kind, name] for one in curves], axis=0),
            }
            for name in ORDERS
        } | {"gain_over_random": mean(better * (areas["grad-cam"] - areas["random"]), patients)}
    return found
