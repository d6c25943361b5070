"""The splits of the data set as pages name them: a label, and what the films are.

`graded` is not among them: its films have no truth to hold a verdict against.
"""

from __future__ import annotations

from covid_model import settings

_WHAT = {
    "test": "The paper's test films, which no network here was trained on",
    "extra-test": "Adults' films that no network here was trained on",
    "external": "Films of hospitals that no network here was trained on",
    "train": "Films that every network here was trained on, so their figures flatter them",
    "extra": "Adults' films that the fine-tuned network was trained on, and the paper's was not",
}
SPLITS = {name: (settings.SPLIT_TITLES[name], what) for name, what in _WHAT.items()}


def title(split: str) -> str:
    """A split's label; its own name where it has none."""
    return settings.SPLIT_TITLES.get(split, split)
