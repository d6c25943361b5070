"""Load what experiments and benchmarks left in assets/results; the app reads their records only through here."""

from __future__ import annotations

import json
import os
import platform
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from covid_model import config


def describe_machine() -> dict[str, str | int]:
    """Processor, cores and memory of this machine, in words."""
    processor = platform.processor() or platform.machine()
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        processor = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), processor)
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**30
    except (OSError, ValueError):
        memory = 0
    return {"processor": processor, "cores": os.cpu_count() or 1, "memory_gib": memory, "system": platform.system()}


def experiment_path(name: str, experiment: str, folder: Path | None = None) -> Path:
    """Where an experiment's record of the network `name` lies."""
    folder = config.AUDIT if folder is None else folder
    return folder / f"{name}-{experiment}.json"


def load_experiment(name: str, experiment: str, folder: Path | None = None) -> dict[str, Any] | None:
    """The committed record of an experiment; None where it was not made, or was made on other weights."""
    folder = config.AUDIT if folder is None else folder
    from covid_model.model.network_spec import NetworkError, spec

    try:
        record = json.loads(experiment_path(name, experiment, folder).read_text(encoding="utf-8"))
        return record if record["weights_sha256"] == spec(name).sha256 else None
    except (OSError, ValueError, KeyError, NetworkError):
        return None


def load_segmentation(path: Path | None = None) -> dict[str, Any] | None:
    """The committed record; None where there is none."""
    path = config.SEGMENTATION_JSON if path is None else path
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def load_benchmark(path: Path | None = None) -> dict[str, Any] | None:
    """What was kept; None where nothing was, or it is damaged."""
    path = config.BENCHMARK_JSON if path is None else path
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        return kept if isinstance(kept["parts"], dict) else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


# --- Frozen against fine-tuned against random initialisation: runs kept in assets/results/learning_curves.json

CURVE_MEASURES = {  # what runs can be compared by, the best first
    "val_accuracy": "Validation accuracy",
    "val_auc": "Validation AUC",
    "accuracy": "Training accuracy",
    "auc": "Training AUC",
    "val_loss": "Validation loss",
    "loss": "Training loss",
}
CURVE_TIME = "processor_seconds"
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
            (key for key in CURVE_MEASURES if all(any(key in row for row in rows) for rows in self.runs.values())), None
        )


def learning_curves_path() -> Path:
    return config.RESULTS / "learning_curves.json"


def load_learning_curves(path: Path | None = None) -> Comparison | None:
    """The runs that `save` wrote; None where the file is missing or damaged, or there are not two to compare."""
    try:
        content = json.loads((path or learning_curves_path()).read_text(encoding="utf-8"))
        runs, about = content["runs"], content.get("about", {})
        titles = {name: str(one.get("title", name)) for name, one in runs.items()}
        found = Comparison(
            {titles[name]: one["history"] for name, one in runs.items() if _is_history(one.get("history"))},
            {titles[name]: float(one[CURVE_TIME]) for name, one in runs.items() if CURVE_TIME in one},
            dict(about),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return found if len(found.runs) > 1 and found.measure else None


def _is_history(rows: object) -> bool:
    return isinstance(rows, list) and bool(rows) and all(isinstance(row, dict) for row in rows)
