"""Training: the recipes of the networks, and the features and heads of the playground.

`paper` and `frozen` train a head on frozen features (frozen_head.py); `fine-tuned` trains VGG-19 too
(fine_tune.py, by the recipe in trainer.py).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from covid_model import config

if TYPE_CHECKING:
    from covid_model.data.dataset import Dataset
    from covid_model.model.registry import NetworkSpec

PAPER, FINE_TUNED, FROZEN = RECIPES = ("paper", "fine-tuned", "frozen")


def run(recipe: str, data: Dataset, vgg19: str, work: Path | None = None) -> NetworkSpec:
    """Train a network from films to its files in assets/: description, history, weights and scores.

    Args:
        recipe: one of RECIPES.
        data: a data folder.
        vgg19: VGG-19's ImageNet weights: a file, or "imagenet" for Keras' download.
        work: the folder of features and checkpoints, from which an interrupted run resumes.

    Raises:
        ValueError: an unknown recipe.
    """
    work = config.WORK if work is None else work
    if recipe not in RECIPES:
        raise ValueError(f"The recipe must be one of {', '.join(RECIPES)}. Received: {recipe!r}.")
    from covid_model.training import fine_tune, frozen_head

    if recipe == FINE_TUNED:
        return fine_tune.run(data, vgg19, work)
    return frozen_head.run({PAPER: frozen_head.PAPER, FROZEN: frozen_head.FROZEN}[recipe], data, vgg19, work)


def run_trials(data: Dataset, vgg19: str, work: Path | None = None) -> Path:
    """Compare choices of the fine-tuned recipe, each without one source; see `trials.run`."""
    from covid_model.training import trials

    return trials.run(data, vgg19, work)
