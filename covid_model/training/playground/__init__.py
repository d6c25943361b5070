"""Training a head on stored features, epoch by epoch, in seconds: what the page *Train a head* shows.

The frozen base need not run: `assets/lab/` holds what its last pooling layer makes of every film, averaged over the
film (512 numbers). `make` writes them, `store` reads them, `recipe` is what a visitor can set, `scenes` are recipes
with a point, `head` is the network and its optimiser, `run` trains it and reports every epoch.
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
