"""The sentences of the page "Train it yourself". No Streamlit here."""

from __future__ import annotations

from covid_model import config
from covid_model.training.playground.recipe import CHOICES

INTRODUCTION = (
    "The convolutional layers stay frozen, so their output was computed once for every X-ray; only the last layers "
    "learn, here and now. The paper's head sees 7 × 7 × 512 features of an X-ray. This one sees their 512 averages, so "
    "it learns in seconds but cannot tell where on the X-ray something is."
)
SETTINGS = {  # label and help by field of a Recipe
    "covid_films": (
        "COVID-19 X-rays",
        f"How many of the paper's {CHOICES['covid_films'][-1]} to train on, sampled by the seed.",
    ),
    "other_films": (
        "Non-COVID X-rays",
        f"How many of the paper's {CHOICES['other_films'][-1]:,} to train on, sampled by the seed. Nearly all show "
        "children.",
    ),
    "adults": ("Adults added", "All X-rays of adults from NIH ChestX-ray8 and the COVID-19 Radiography Database."),
    "weight": ("COVID-19 class weight", "How many non-COVID X-rays one COVID-19 X-ray counts as in the loss."),
    "units": ("Hidden units", "In the first dense layer. 0 removes the layer, which leaves a logistic regression."),
    "dropout": ("Dropout", "Share of the hidden units that are switched off, sampled anew at each step."),
    "rate": ("Learning rate", "The step size of Adam."),
    "epochs": ("Epochs", "Passes over the training X-rays."),
    "seed": (
        "Seed",
        "Of the X-rays sampled, the initial weights, the order and the dropout. The same seed gives the same result.",
    ),
    "base": ("Frozen base", "VGG-19 with the ImageNet weights, or with random weights that were never trained."),
    "marker": (
        "Planted marker in the test set",
        "A made-up number added to the features, like a letter at the edge of an X-ray. In training, it is 1 for every "
        "COVID-19 X-ray and 0 for the others. Choose where it appears in the test set.",
    ),
}
LOSS, ACCURACY = "Training loss", "Test accuracy"
SENSITIVITY, FALSE_POSITIVES = "Sensitivity", "False positives among adults"
SCENES = (
    "A scene changes all settings below and starts training; its link does the same for anyone who opens it. The URL "
    "saves your own settings: copy it to share them."
)
NO_EPOCH = "No epoch has finished yet."
NOTE = (
    f"*{FALSE_POSITIVES}*: share of the adults without COVID-19 in the split “{config.SPLIT_TITLES['extra-test']}” "
    "that are called positive. No run trains on them. The test set is scored after every epoch so that you can watch. "
    "If you choose settings by these scores, it is no longer a test."
)


def no_runs(most: int) -> str:
    """Return what to do before the first run; `most`: how many runs are shown."""
    return f"Press *Train*. Up to {most} runs are shown here side by side."


def runs_note(most: int) -> str:
    """Return what happens to runs of the same settings, and to more than `most` runs."""
    return (
        "Training again with the same settings and seed gives the same curve. Once there are "
        f"{most} runs, a new one replaces the oldest."
    )
