"""Explanation methods on films with a known lesion: whether they point at it, and how much of their heat is in it.

The films are simulated from a CT, with an opacity put in at a known place. Pointing game: Zhang et al. 2018 (doi
10.1007/s11263-017-1059-x). Films differ in the lesion alone, so intervals are over films.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from tqdm import tqdm

from covid_model import imaging
from covid_model.data import samples
from covid_model.data.dataset import read_mask_file
from covid_model.evaluation.bootstrap import share
from covid_model.evaluation.metrics import mean
from covid_model.experiments.cam_faithfulness import energy_inside, lung_cells, points_inside, uniform
from covid_model.experiments.context import ExperimentContext
from covid_model.model import attribution
from covid_model.model.attribution import METHODS


def run(context: ExperimentContext) -> dict[str, Any]:
    """Measure every method on the simulated films with a lesion."""
    films = [sample for sample in samples.samples() if sample.mask is not None]
    hits: dict[str, list[bool]] = {name: [] for name in METHODS}
    energy: dict[str, list[float]] = {name: [] for name in METHODS}
    even: dict[str, list[float]] = {"pointing": [], "energy": []}
    for sample in tqdm(films, unit="film", desc="explanations"):
        pixels = imaging.read(sample.path).pixels
        lesion = read_mask_file(sample.mask, pixels.shape)
        maps = attribution.explain(context.predictor, pixels, tuple(METHODS))
        for name, heatmap in maps.items():
            cells = lung_cells(lesion, context.spec.preprocessing.box, heatmap.shape)
            hits[name].append(bool(points_inside(heatmap, cells)))
            energy[name].append(float(energy_inside(heatmap, cells) or 0.0))
        cells = lung_cells(lesion, context.spec.preprocessing.box, maps[attribution.GRAD_CAM].shape)
        even["pointing"].append(float((cells > 0.5).mean()))
        even["energy"].append(float(uniform(cells)))
    ids = np.array([sample.id for sample in films])
    return {
        "films": list(ids),
        "methods": {
            name: {"pointing": share(hits[name], ids), "energy": mean(np.array(energy[name]), ids)} for name in METHODS
        },
        "even": {key: mean(np.array(values), ids) for key, values in even.items()},
    }
