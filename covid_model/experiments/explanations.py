"""Explanation methods on films with a known lesion: whether they point at it, and how much of their heat is in it.

The films are simulated from a CT, with an opacity put in at a known place. Pointing game: Zhang et al. 2018 (doi
10.1007/s11263-017-1059-x). Films differ in the lesion alone, so intervals are over films. Repeatability: the rank
correlation with the heatmaps of copies that are changed less than a reader would notice.
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
from covid_model.experiments.robustness import SMALL
from covid_model.model import attribution
from covid_model.model.attribution import FAST, METHODS

COPIES = 4  # changed a little, of each film, for repeatability


def run(context: ExperimentContext) -> dict[str, Any]:
    """Measure every method on the simulated films with a lesion."""
    films = [sample for sample in samples.samples() if sample.mask is not None]
    hits: dict[str, list[bool]] = {name: [] for name in METHODS}
    energy: dict[str, list[float]] = {name: [] for name in METHODS}
    repeats: dict[str, list[float]] = {name: [] for name in FAST}
    even: dict[str, list[float]] = {"pointing": [], "energy": []}
    rng = np.random.default_rng(context.seed)
    for sample in tqdm(films, unit="film", desc="explanations"):
        pixels = imaging.read(sample.path).pixels
        lesion = read_mask_file(sample.mask, pixels.shape)
        maps = attribution.explain(context.predictor, pixels, tuple(METHODS))
        for name, heatmap in maps.items():
            cells = lung_cells(lesion, context.spec.preprocessing.box, heatmap.shape)
            hits[name].append(bool(points_inside(heatmap, cells)))
            energy[name].append(float(energy_inside(heatmap, cells) or 0.0))
        copies = [attribution.explain(context.predictor, SMALL(pixels, rng)) for _ in range(COPIES)]
        for name in FAST:
            repeats[name].append(float(np.mean([attribution.agreement(maps[name], copy[name]) for copy in copies])))
        cells = lung_cells(lesion, context.spec.preprocessing.box, maps[attribution.GRAD_CAM].shape)
        even["pointing"].append(float((cells > 0.5).mean()))
        even["energy"].append(float(uniform(cells)))
    ids = np.array([sample.id for sample in films])
    return {
        "films": list(ids),
        "methods": {
            name: {"pointing": share(hits[name], ids), "energy": mean(np.array(energy[name]), ids)}
            | ({"repeatability": mean(np.array(repeats[name]), ids)} if name in FAST else {})
            for name in METHODS
        },
        "copies": COPIES,
        "even": {key: mean(np.array(values), ids) for key, values in even.items()},
    }
