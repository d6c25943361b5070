"""Recipes: how the networks came about. `paper` trains a head on frozen features, `fine_tuned` every layer."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from covid_model import config

if TYPE_CHECKING:
    from covid_model.data.dataset import Dataset
    from covid_model.model.network_spec import NetworkSpec

RECIPES = {"paper": "paper", "fine-tuned": "fine_tuned"}  # and the module of each


def run(recipe: str, data: Dataset, vgg19: str, work: Path | None = None) -> NetworkSpec:
    """Run a recipe from films to a network in assets/, its history and its scores.

    Args:
        recipe: "paper" or "fine-tuned".
        data: a data folder.
        vgg19: VGG-19's ImageNet weights: a file, or "imagenet" for Keras' download.
        work: where features and checkpoints are kept; a run that was cut goes on from there.
    """
    work = config.WORK if work is None else work
    if recipe not in RECIPES:
        raise ValueError(f"Recipes are {' and '.join(RECIPES)}. Received: {recipe!r}.")
    chosen = importlib.import_module(f"covid_model.training.{RECIPES[recipe]}")
    return chosen.run(data, vgg19, work)


def leave_out(data: Dataset, source: str, vgg19: str, work: Path | None = None, **changes: float) -> None:
    """A short trial of the fine-tuned recipe without one source; see `fine_tuned.leave_out`."""
    work = config.WORK if work is None else work
    from covid_model.training import fine_tune

    fine_tune.leave_out(data, source, vgg19, work, **changes)


def within(source: str) -> dict[str, Any]:
    """How well the classes of one source can be told apart, by patient; see `one_source.run`."""
    from covid_model.training import within_source

    return within_source.run(source)
