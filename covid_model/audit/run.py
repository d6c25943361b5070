"""Runs experiments and leaves what they found in assets/results/audit, one JSON an experiment and network."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from covid_model import settings
from covid_model.audit import attention, calibration, elsewhere, lungs, novelty, rivals, robustness, severity
from covid_model.audit.case import Case
from covid_model.audit.figures import plain

EXPERIMENTS: dict[str, Callable[[Case], dict[str, Any]]] = {
    "elsewhere": elsewhere.run,
    "lungs": lungs.run,
    "rivals": rivals.run,
    "attention": attention.run,
    "calibration": calibration.run,
    "novelty": novelty.run,
    "robustness": robustness.run,
    "severity": severity.run,
}


def run(case: Case, only: Iterable[str] = (), to: Path | None = None) -> list[Path]:
    """Make the experiments `only` (all, where none is named) on one network; returns the files written."""
    to = settings.AUDIT if to is None else to
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
        path = path_of(case.name, experiment, to)
        path.write_text(json.dumps(plain(record | figures), indent=1, allow_nan=False) + "\n", encoding="utf-8")
        written.append(path)
    return written


def path_of(name: str, experiment: str, folder: Path | None = None) -> Path:
    """Where an experiment's record of the network `name` lies."""
    folder = settings.AUDIT if folder is None else folder
    return folder / f"{name}-{experiment}.json"


def load(name: str, experiment: str, folder: Path | None = None) -> dict[str, Any] | None:
    """The committed record of an experiment; None where it was not made, or was made on other weights."""
    folder = settings.AUDIT if folder is None else folder
    from covid_model.network import NetworkError, spec

    try:
        record = json.loads(path_of(name, experiment, folder).read_text(encoding="utf-8"))
        return record if record["weights_sha256"] == spec(name).sha256 else None
    except (OSError, ValueError, KeyError, NetworkError):
        return None
