"""Measure the cost of a prediction relative to the forward pass, to other libraries, and over input size.

`python -m covid_model benchmark` measures on this machine, part by part, and writes the table and the data behind
it to assets/results/benchmark.json, from which assets/MEASUREMENTS.md is written. `--archive` measures the command
`score` instead, step by step, into assets/results/archive.json.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from covid_model import config, records
from covid_model.data import dataset
from covid_model.model import registry
from covid_model.tools.benchmark import archive, forward, precision, server
from covid_model.tools.benchmark.timing import Row, Subject

PACKAGES = ("tensorflow-cpu", "tensorflow", "keras", "streamlit", "torch", "grad-cam", "onnxruntime", "openvino", "ray")
ROUNDS = 15  # of each timing

Part = Callable[[Subject, "dataset.Dataset | None", int, "int | None"], tuple[list[Row], dict]]
PARTS: dict[str, Part] = {
    "forward": lambda subject, data, rounds, most: forward.rows(subject, rounds),
    "precision": precision.rows,
    "gpu": precision.gpu_rows,
    "waiting": lambda subject, data, rounds, most: precision.waiting_rows(subject, rounds),
    "server": lambda subject, data, rounds, most: server.rows(),
    "pages": lambda subject, data, rounds, most: server.page_rows(),
    "curves": lambda subject, data, rounds, most: forward.growth_rows(subject, rounds),
}


def run(
    subject: Subject,
    data: dataset.Dataset | None = None,
    only: Iterable[str] = (),
    rounds: int = ROUNDS,
    most: int | None = None,
    to: Path | None = None,
) -> dict[str, Any]:
    """Measure the parts `only` (all if empty), store them in `to` beside the other parts, and return all parts.

    Args:
        subject: the network and film.
        data: a data folder with test films for the bfloat16 comparison; None skips it.
        only: names of PARTS.
        rounds: of each timing.
        most: test films in the bfloat16 comparison; None for all.
        to: a JSON file.
    """
    to = config.BENCHMARK_JSON if to is None else to
    kept = records.load_benchmark(to) or {"parts": {}}
    for name in only or PARTS:
        before = os.getloadavg()
        rows, record = PARTS[name](subject, data, rounds, most)
        kept["parts"][name] = _part(rows, record, before, subject.name, rounds)
        to.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    return kept


def run_archive(
    network: str,
    data: dataset.Dataset | None = None,
    only: Iterable[str] = (),
    work: Path | None = None,
    to: Path | None = None,
) -> dict[str, Any]:
    """Measure the steps `only` (all if empty) of scoring an archive, store them in `to`, and return all steps.

    Args:
        network: its name.
        data: a data folder whose test films the archive is made from; None takes the films of the repository.
        only: names of `archive.STEPS`.
        work: folder for the archive and for what a stopped run goes on from.
        to: a JSON file.
    """
    to = config.ARCHIVE_JSON if to is None else to
    work = config.WORK / "archive" if work is None else work
    kept = records.load_benchmark(to) or {"parts": {}}
    for name in only or archive.STEPS:
        before = os.getloadavg()
        rows, record = archive.STEPS[name](network, data, work)
        kept["parts"][name] = _part(rows, record | {"real": data is not None}, before, network, 1)
        to.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    return kept


def _part(rows: list[Row], record: dict, before: tuple[float, ...], network: str, rounds: int) -> dict[str, Any]:
    return {
        "date": date.today().isoformat(),
        "machine": records.describe_machine(),
        "load": [round(before[0], 1), round(os.getloadavg()[0], 1)],
        "packages": _packages(),
        "network": network,
        "weights_sha256": registry.spec(network).sha256,
        "rounds": rounds,
        "rows": [row.record() for row in rows],
        "record": record,
    }


def _packages() -> dict[str, str]:
    versions = {}
    for name in PACKAGES:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            continue
    return versions
