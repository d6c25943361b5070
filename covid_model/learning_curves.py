"""Frozen against fine-tuned against random initialisation: runs kept in assets/results/learning_curves.json."""

from __future__ import annotations

import json
from pathlib import Path

from covid_model import settings

MEASURES = {  # what runs can be compared by, the best first
    "val_accuracy": "Validation accuracy",
    "val_auc": "Validation AUC",
    "accuracy": "Training accuracy",
    "auc": "Training AUC",
    "val_loss": "Validation loss",
    "loss": "Training loss",
}
Runs = dict[str, list[dict[str, float]]]


def load(path: Path | None = None) -> Runs | None:
    """The runs by name, each a list of records (epoch or step, and figures); None where there are not two to compare.

    The file is an object: a run's name to its records, or to an object with its `title` and its `history`.
    """
    try:
        content = json.loads((path or settings.RESULTS / "learning_curves.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    runs: Runs = {}
    for name, one in content.items() if isinstance(content, dict) else ():
        title, history = (one.get("title", name), one.get("history")) if isinstance(one, dict) else (name, one)
        if isinstance(history, list) and history and all(isinstance(row, dict) for row in history):
            runs[str(title)] = history
    return runs if len(runs) > 1 and measure(runs) else None


def measure(runs: Runs) -> str | None:
    """The best measure that every run has; None where there is none."""
    return next((key for key in MEASURES if all(any(key in row for row in rows) for rows in runs.values())), None)
