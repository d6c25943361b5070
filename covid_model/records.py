"""Load the records of experiments and benchmarks in assets/results. The app reads them only through this module.

Every loader returns None if its record is missing or damaged; the page then says how to make it.
"""

from __future__ import annotations

import json
import os
import platform
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from covid_model import config


def describe_machine() -> dict[str, str | int]:
    """Return processor, cores, memory in GiB (0 if unknown) and operating system of this machine."""
    processor = platform.processor() or platform.machine()
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        processor = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), processor)
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**30
    except (OSError, ValueError):
        memory = 0
    return {"processor": processor, "cores": os.cpu_count() or 1, "memory_gib": memory, "system": platform.system()}


def experiment_path(name: str, experiment: str, folder: Path | None = None) -> Path:
    """Return the path of an experiment's record for the network `name`."""
    folder = config.AUDIT if folder is None else folder
    return folder / f"{name}-{experiment}.json"


def load_experiment(name: str, experiment: str, folder: Path | None = None) -> dict[str, Any] | None:
    """Load an experiment's record for the network `name`; None too if it was made with other weights."""
    folder = config.AUDIT if folder is None else folder
    from covid_model.model.registry import NetworkError, spec

    record = _load(experiment_path(name, experiment, folder))
    try:
        return record if record and record.get("weights_sha256") == spec(name).sha256 else None
    except NetworkError:
        return None


def load_segmentation(path: Path | None = None) -> dict[str, Any] | None:
    """Load the record of the lung segmentation."""
    return _load(path or config.SEGMENTATION_JSON)


def load_benchmark(path: Path | None = None) -> dict[str, Any] | None:
    """Load the benchmark's record."""
    record = _load(path or config.BENCHMARK_JSON)
    return record if record and isinstance(record.get("parts"), dict) else None


def load_load_test(path: Path | None = None) -> dict[str, Any] | None:
    """Load the record of the load test: by run, how many users it had and how long they waited."""
    return _load(path or config.LOAD_JSON)


def _load(path: Path) -> dict[str, Any] | None:
    """Load a JSON object; None if the file is missing, damaged or holds anything else."""
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return record if isinstance(record, dict) else None


# --- Learning curves: frozen, fine-tuned and randomly initialized, in assets/results/learning_curves.json

CURVE_MEASURES = {  # what runs can be compared by, the preferred first
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
    """Training runs to compare.

    Attributes:
        runs: By title, each run's history: one record per epoch or step, with its measures.
        processor_seconds: By title, processor time over all cores, if recorded.
        about: What the runs have in common: recipe, films, machine. Empty if not recorded.
    """

    runs: Runs
    processor_seconds: dict[str, float] = field(default_factory=dict)
    about: dict[str, Any] = field(default_factory=dict)

    @property
    def measure(self) -> str | None:
        """The preferred measure that every run has; None if there is none."""
        return next(
            (key for key in CURVE_MEASURES if all(any(key in row for row in rows) for rows in self.runs.values())), None
        )


def learning_curves_path() -> Path:
    """Return the path of the learning curves."""
    return config.RESULTS / "learning_curves.json"


def load_learning_curves(path: Path | None = None) -> Comparison | None:
    """Load the learning curves that `training.init_ablation` wrote; None too if there are fewer than two runs."""
    try:
        content = json.loads((path or learning_curves_path()).read_text(encoding="utf-8"))
        runs, about = content["runs"], content.get("about", {})
        titles = {name: str(run.get("title", name)) for name, run in runs.items()}
        comparison = Comparison(
            {titles[name]: run["history"] for name, run in runs.items() if _is_history(run.get("history"))},
            {titles[name]: float(run[CURVE_TIME]) for name, run in runs.items() if CURVE_TIME in run},
            dict(about),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return comparison if len(comparison.runs) > 1 and comparison.measure else None


def _is_history(rows: object) -> bool:
    return isinstance(rows, list) and bool(rows) and all(isinstance(row, dict) for row in rows)
