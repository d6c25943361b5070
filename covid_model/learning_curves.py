"""Frozen against fine-tuned against random initialisation: runs kept in assets/results/learning_curves.json."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from covid_model import settings

MEASURES = {  # what runs can be compared by, the best first
    "val_accuracy": "Validation accuracy",
    "val_auc": "Validation AUC",
    "accuracy": "Training accuracy",
    "auc": "Training AUC",
    "val_loss": "Validation loss",
    "loss": "Training loss",
}
TIME = "processor_seconds"
Runs = dict[str, list[dict[str, float]]]


@dataclass(frozen=True)
class Comparison:
    """Runs that were made to be compared.

    Attributes:
        runs: by title, each a list of records (epoch or step, and figures).
        processor_seconds: by title, how long each kept a processor busy, all cores together, where that was kept.
        about: what they have in common: the recipe, the films, the machine; empty where that was not kept.
    """

    runs: Runs
    processor_seconds: dict[str, float] = field(default_factory=dict)
    about: dict[str, Any] = field(default_factory=dict)

    @property
    def measure(self) -> str | None:
        """The best measure that every run has; None where there is none."""
        return next(
            (key for key in MEASURES if all(any(key in row for row in rows) for rows in self.runs.values())), None
        )


def default_path() -> Path:
    return settings.RESULTS / "learning_curves.json"


def save(runs: Mapping[str, Mapping[str, Any]], about: Mapping[str, Any], to: Path | None = None) -> Path:
    """Write runs (a name to an object with `title`, `history` and what else is known) and what they have in common."""
    to = to or default_path()
    to.parent.mkdir(parents=True, exist_ok=True)
    to.write_text(json.dumps({"about": about, "runs": runs}, indent=1) + "\n", encoding="utf-8")
    return to


def load(path: Path | None = None) -> Comparison | None:
    """The runs that `save` wrote; None where the file is missing or damaged, or there are not two to compare."""
    try:
        content = json.loads((path or default_path()).read_text(encoding="utf-8"))
        runs, about = content["runs"], content.get("about", {})
        titles = {name: str(one.get("title", name)) for name, one in runs.items()}
        found = Comparison(
            {titles[name]: one["history"] for name, one in runs.items() if _is_history(one.get("history"))},
            {titles[name]: float(one[TIME]) for name, one in runs.items() if TIME in one},
            dict(about),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return found if len(found.runs) > 1 and found.measure else None


def _is_history(rows: object) -> bool:
    return isinstance(rows, list) and bool(rows) and all(isinstance(row, dict) for row in rows)
