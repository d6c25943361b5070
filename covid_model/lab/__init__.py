"""Training a head on stored features, epoch by epoch, in seconds: what the page *Train a head* shows.

The frozen base need not run: `assets/lab/` holds what its last pooling layer makes of every film, averaged over the
film (512 numbers). `make` writes them, `store` reads them, `recipe` is what a visitor can set, `scenes` are recipes
with a point, `head` is the network and its optimiser, `run` trains it and reports every epoch.
"""

from __future__ import annotations

from covid_model.lab.recipe import ADULTS, BASES, MARKERS, Recipe
from covid_model.lab.run import Epoch, Run, train
from covid_model.lab.scenes import SCENES, Scene
from covid_model.lab.store import LabError, Store, load

__all__ = [
    "ADULTS",
    "BASES",
    "MARKERS",
    "SCENES",
    "Epoch",
    "LabError",
    "Recipe",
    "Run",
    "Scene",
    "Store",
    "load",
    "train",
]
