"""The splits of the data set as pages name them: a label, and what the films are."""

from __future__ import annotations

SPLITS = {
    "test": ("Test", "The paper's test films, which no network here was trained on"),
    "extra-test": ("More adults", "Adults' films that no network here was trained on"),
    "external": ("Other hospitals", "Films of hospitals that no network here was trained on"),
    "train": ("Training", "Films that both networks were trained on, so their figures flatter them"),
    "extra": ("Extra training", "Adults' films that the fine-tuned network was trained on, and the paper's was not"),
}
