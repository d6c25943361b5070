"""The experiments a critic would ask for, one per file: each is a function from a context to plain figures.

`python -m covid_model audit` runs them and writes their records into assets/results/audit, from where
`records.load_experiment` reads them.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from covid_model import config, records
from covid_model.evaluation.metrics import to_json
from covid_model.experiments import (
    baselines,
    calibration,
    explanations,
    external_validation,
    features,
    lung_erasure,
    ood_detection,
    robustness,
)
from covid_model.experiments.context import ExperimentContext, ExperimentError

EXPERIMENTS: dict[str, Callable[[ExperimentContext], dict[str, Any]]] = {
    "elsewhere": external_validation.run,
    "lungs": lung_erasure.run,
    "rivals": baselines.run,
    "attention": explanations.attention,
    "calibration": calibration.run,
    "novelty": ood_detection.run,
    "robustness": robustness.run,
    "severity": external_validation.severity,
    "probe": features.run,
    "explanations": explanations.run,
}


def run(context: ExperimentContext, only: Iterable[str] = (), to: Path | None = None) -> list[Path]:
    """Run the experiments named in `only` (default: all) on one network and return the files written.

    Raises:
        ValueError: an unknown experiment.
    """
    to = config.AUDIT if to is None else to
    names = list(only) or list(EXPERIMENTS)
    unknown = set(names) - set(EXPERIMENTS)
    if unknown:
        raise ValueError(f"Experiments must be among {', '.join(EXPERIMENTS)}. Received: {', '.join(sorted(unknown))}.")
    to.mkdir(parents=True, exist_ok=True)
    written = []
    for experiment in names:
        started = time.perf_counter()
        figures = EXPERIMENTS[experiment](context)
        record = {
            "experiment": experiment,
            "network": context.name,
            "weights_sha256": context.spec.sha256,
            "threshold": context.spec.threshold,
            "seed": context.seed,
            "seconds": round(time.perf_counter() - started),
        }
        path = records.experiment_path(context.name, experiment, to)
        path.write_text(json.dumps(to_json(record | figures), indent=1, allow_nan=False) + "\n", encoding="utf-8")
        written.append(path)
    return written
