"""How well `what_if.lungs` draws lungs: its masks against experts', film by film. No network takes part.

The Dice coefficient is twice the area that two masks share over the sum of their areas: 1 for the same mask, 0 for
masks that do not meet. The experts' masks are of Selvan et al. (2020, arXiv 2005.10052). The masks of our simulated
films come from their CT and hold the lung behind heart and diaphragm too, which no film shows: there, how much of ours
lies within.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from tqdm import tqdm

from covid_model import config, imaging
from covid_model.data import dataset, samples
from covid_model.data.lung_masks import read_mask, with_mask
from covid_model.evaluation.by_patient import to_json
from covid_model.experiments.context import ExperimentError
from covid_model.imaging import lung_mask


def dice(one: np.ndarray, other: np.ndarray) -> float:
    """The Dice coefficient of two bool masks of one shape, 0 to 1; 1 where both are empty."""
    areas = int(one.sum()) + int(other.sum())
    return 2 * int((one & other).sum()) / areas if areas else 1.0


def run(data: dataset.Dataset) -> dict[str, Any]:
    """Every film of `data` that has a mask, by split (the outline was chosen on `train`), and our simulated films.

    Raises ExperimentError where no film has one.
    """
    table = with_mask(data, *config.SPLITS)
    if table.empty:
        raise ExperimentError(f"No film of the data folder {data.folder} has a lung mask to measure ours against.")
    found = np.array([_of_film(data, film) for film in tqdm(table.index, "segmentation", unit="film")], object)
    splits = [split for split in config.SPLITS if table["split"].eq(split).any()]
    return {
        "every": summary(found),
        "splits": {split: summary(found[table["split"] == split]) for split in splits},
        "simulated": inside(_of_samples()),
    }


def write(data: dataset.Dataset, to: Path | None = None) -> Path:
    """Measure, and leave the record at `to`."""
    to = config.SEGMENTATION_JSON if to is None else to
    to.write_text(json.dumps(to_json(run(data)), indent=1, allow_nan=False) + "\n", encoding="utf-8")
    return to


def summary(found: Iterable[float | None]) -> dict[str, Any]:
    """Films, on how many of them lungs were found, and of those the lowest, the lower decile and the median Dice."""
    values = list(found)
    known = np.array([one for one in values if one is not None])
    at = {"lowest": 0.0, "lower_decile": 0.1, "median": 0.5}
    return {
        "films": len(values),
        "found": len(known),
        "dice": {name: float(np.quantile(known, share)) if known.size else None for name, share in at.items()},
    }


def inside(pairs: Iterable[tuple[np.ndarray | None, np.ndarray]]) -> dict[str, Any]:
    """Films, on how many of them lungs were found, and the lowest share of ours that lies within the other mask."""
    found = list(pairs)
    shares = [float(other[ours].mean()) for ours, other in found if ours is not None]
    return {"films": len(found), "found": len(shares), "lowest_share_inside": min(shares, default=None)}


def drawn(pixels: np.ndarray) -> np.ndarray | None:
    """Our mask of a film (height, width) uint8; None where it finds no lungs."""
    try:
        return lung_mask.find(pixels)
    except lung_mask.NoLungs:
        return None


def _of_film(data: dataset.Dataset, film: str) -> float | None:
    pixels = imaging.read(data.path(film)).pixels
    ours = drawn(pixels)
    return None if ours is None else dice(ours, read_mask(data, film, pixels.shape))


def _of_samples() -> Iterable[tuple[np.ndarray | None, np.ndarray]]:
    for sample in samples.samples():
        if sample.lungs:
            mask = cv2.imread(str(sample.lungs), cv2.IMREAD_GRAYSCALE) > 0
            yield drawn(imaging.read(sample.path).pixels), mask
