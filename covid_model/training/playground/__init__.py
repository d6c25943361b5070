"""Train a head on stored features, epoch by epoch, in seconds: what the page *Train it yourself* shows.

The frozen base need not run: `assets/lab/` has the output of its last pooling layer for every film, averaged over the
film (512 numbers). features.py writes and reads them, recipe.py has the settings and the presets, train.py the
network and its optimizer, and reports every epoch.
"""

from __future__ import annotations

from covid_model.training.playground.features import PlaygroundError, Store, load
from covid_model.training.playground.recipe import ADULTS, BASES, MARKERS, PRESETS, Preset, Recipe
from covid_model.training.playground.train import Epoch, Run, train

__all__ = [
    "ADULTS",
    "BASES",
    "MARKERS",
    "PRESETS",
    "Epoch",
    "PlaygroundError",
    "Preset",
    "Recipe",
    "Run",
    "Store",
    "load",
    "train",
]
