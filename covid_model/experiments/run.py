"""Runs experiments and leaves what they found in assets/results/audit, one JSON an experiment and network."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from covid_model import config, records
from covid_model.evaluation.by_patient import to_json
from covid_model.experiments import (
    baselines,
    cam_faithfulness,
    external_validation,
    lung_erasure,
    ood_detection,
    robustness,
    severity,
)
from covid_model.experiments import calibration as calibration_experiment
from covid_model.experiments.context import ExperimentContext

EXPERIMENTS: dict[str, Callable[[ExperimentContext], dict[str, Any]]] = {
    "elsewhere": external_validation.run,
    "lungs": lung_erasure.run,
    "rivals": baselines.run,
    "attention": cam_faithfulness.run,
    "calibration": calibration_experiment.run,
    "novelty": ood_detection.run,
    "robustness": robustness.run,
    "severity": severity.run,
}


def run(case: ExperimentContext, only: Iterable[str] = (), to: Path | None = None) -> list[Path]:
    """Make the experiments `only` (all, where none is named) on one network; returns the files written."""
    to = config.AUDIT if to is None else to
    chosen = list(only) or list(EXPERIMENTS)
    unknown = set(chosen) - set(EXPERIMENTS)
    if unknown:
        raise ValueError(f"Experiments are {', '.join(EXPERIMENTS)}. Received: {', '.join(sorted(unknown))}.")
    to.mkdir(parents=True, exist_ok=True)
    written = []
    for experiment in chosen:
        started = time.perf_counter()
        figures = EXPERIMENTS[experiment](case)
        record = {
            "experiment": experiment,
            "network": case.name,
            "weights_sha256": case.spec.sha256,
            "threshold": case.spec.threshold,
            "seed": case.seed,
            "seconds": round(time.perf_counter() - started),
        }
        path = records.experiment_path(case.name, experiment, to)
        path.write_text(json.dumps(to_json(record | figures), indent=1, allow_nan=False) + "\n", encoding="utf-8")
        written.append(path)
    return written
