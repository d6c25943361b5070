"""Write what was measured, from the records in assets/results, as one Markdown page: `assets/MEASUREMENTS.md`.

Repeated runs of the paper's recipe, trials of recipes, speed, and many users at once.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import pandas as pd

from covid_model import config, records
from covid_model.config import split_title
from covid_model.model import registry
from covid_model.reports.model_card import trials as trials_module

PAGE = config.ASSETS / "MEASUREMENTS.md"
NODE_CORES, NODES = 16, (1, 4, 16, 64)  # of the machines in the arithmetic of larger clusters
REACHED = {True: "yes", False: "no", None: "–"}
HEAD = (
    "# Measurements\n\n"
    "Written by `make readme` from the records in `assets/results`; do not edit. Each section names the command that "
    "measures it again."
)
EARLIER = (
    "What is marked *earlier weights* was measured before the network was trained again. Time and memory depend on "
    "the layers, which are the same, not on the values of the weights."
)
SEED_FIGURES = {  # key in paper_seeds.json: row of the table
    "accuracy_at_0.5": f"Accuracy at {config.HALF}",
    "accuracy_at_0.6": f"Accuracy at {config.PAPER_MARK}",
    "always_no_accuracy": "Majority-class baseline (always negative)",
    "sensitivity": f"Sensitivity at {config.PAPER_MARK}",
    "specificity": f"Specificity at {config.PAPER_MARK}",
    "auc": "AUC",
    "covid_above_0.6": f"COVID-19 X-rays above {config.PAPER_MARK}",
    "covid_above_0.9": f"COVID-19 X-rays above {config.HIGH}",
    "adults_positive_test": f"False positives among adults, {split_title('test')}",
    "adults_positive_extra_test": f"False positives among adults, {split_title('extra-test')}",
}


def seed_runs(runs: list[dict[str, Any]]) -> pd.DataFrame:
    """Tabulate repeated runs of the paper's recipe: a row per figure, a column per variant, mean ± standard deviation.

    Args:
        runs: one object per run with "variant" and the keys of SEED_FIGURES.
    """
    groups = pd.DataFrame(runs).groupby("variant", sort=False)
    mean, deviation = groups[list(SEED_FIGURES)].mean(), groups[list(SEED_FIGURES)].std()
    columns = {
        variant.capitalize(): [
            f"{mean.at[variant, key]:.3f} ± {deviation.at[variant, key]:.3f}"
            if key == "auc"
            else f"{100 * mean.at[variant, key]:.1f} ± {100 * deviation.at[variant, key]:.1f} %"
            for key in SEED_FIGURES
        ]
        for variant in mean.index
    }
    return pd.DataFrame({"On the test set": SEED_FIGURES.values(), **columns})


def page() -> str:
    """Return the page as Markdown, from the records that there are."""
    parts = [
        HEAD,
        *seeds(_json(config.SEEDS_JSON)),
    ]
    parts += trials(_json(config.TRIALS_JSON), _json(config.VALIDATION_TRIALS_JSON))
    parts += [
        *speed(records.load_benchmark(config.BENCHMARK_JSON)),
        *archive(records.load_benchmark(config.ARCHIVE_JSON)),
        *load(records.load_load_test(config.LOAD_JSON) or {}),
    ]
    return "\n\n".join(parts) + "\n"


def _json(path: Path) -> dict[str, Any]:
    """Return a record; empty if it is missing or damaged."""
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}


def as_table(frame: pd.DataFrame) -> str:
    """Return a table as Markdown."""
    rows = [list(frame.columns), ["---"] * len(frame.columns), *frame.astype(str).to_numpy().tolist()]
    return "\n".join(f"| {' | '.join(cell.replace('|', '&#124;') for cell in row)} |" for row in rows)


def seeds(record: Mapping[str, Any]) -> list[str]:
    """Return the section of repeated runs; nothing without a record."""
    runs = record.get("runs")
    if not runs:
        return []
    count = len({run["seed"] for run in runs})
    augmented = ", with and without data augmentation" if len({run["variant"] for run in runs}) > 1 else ""
    return [
        "## Repeated runs of the paper's recipe (`python -m covid_model train --recipe paper`)",
        f"A single run can be lucky. These are {count} runs with different random seeds{augmented}: the "
        "mean and the standard deviation over the runs.",
        as_table(seed_runs(runs)),
    ]


def trials(record: Mapping[str, Any], validation: Mapping[str, Any]) -> list[str]:
    """Return the section of trials, as the model card has it; nothing without a record."""
    tried = trials_module.tried(record, validation)
    parts = [
        part if isinstance(part, str) else as_table(pd.DataFrame(part.rows, columns=part.columns)) for part in tried
    ]
    return (
        ["## Trials of recipes (`python -m covid_model train --recipe fine-tuned --trials`)", *parts] if parts else []
    )


def speed(record: Mapping[str, Any] | None) -> list[str]:
    """Return the section of the benchmark; nothing without a record."""
    parts = list(record["parts"].values()) if record else []
    return ["## Speed (`python -m covid_model benchmark`)", *_results(parts)] if parts else []


def archive(record: Mapping[str, Any] | None) -> list[str]:
    """Return the section of scoring an archive, and what follows from it by arithmetic; nothing without a record."""
    parts = record["parts"] if record else {}
    if not parts:
        return []
    title = "## An archive (`python -m covid_model benchmark --archive all`)"
    return [title, *_results(list(parts.values())), *(growth(parts) if "run" in parts else [])]


def growth(parts: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return the arithmetic of larger clusters, from the steps of the archive's benchmark, `run` among them."""
    run, speeds = parts["run"]["record"], parts.get("speed", {}).get("record", {}).get("films_per_second")
    seconds, memory_gb = run["processor_seconds_per_film"], (run["replica_mb"] or 1000) / 1024
    kept, source = (
        1.0,
        "How much processes on one machine slow each other down has not been measured yet; the table assumes that they "
        "do not.",
    )
    if speeds:
        one, two = (median(speeds[actors]) for actors in ("1", "2"))
        kept = min(1.0, two / one / 2)
        source = f"Two processes reach {two / one:.2f} times the speed of one, so each counts as {100 * kept:.0f} %."
    rate = NODE_CORES * kept / seconds  # X-rays a second and node
    rows = [
        {
            "Machines": str(nodes),
            "X-rays per second": f"{nodes * rate:,.0f}",
            "X-rays per day": f"{nodes * rate * 86_400 / 1e6:,.1f} million",
            "Hours for a million": f"{1e6 / (nodes * rate) / 3600:,.1f}",
            "Read, MB per second": f"{nodes * rate * run.get('mean_kb', 0) / 1000:,.1f}",
        }
        for nodes in NODES
    ]
    return [
        "### Larger clusters: arithmetic, not a measurement",
        f"An X-ray takes {seconds:.2f} s of one core of this processor, over {run['files']:,} files, the start "
        f"of the processes included. {source} A machine with {NODE_CORES} such cores and as many processes then scores "
        f"{NODE_CORES} × {kept:.2f} / {seconds:.2f} s = {rate:.0f} X-rays per second and needs {NODE_CORES} × "
        f"{memory_gb:.2f} = {NODE_CORES * memory_gb:.0f} GB for the processes; libraries that they share are counted "
        "for each. Machines share nothing but the list of files, so the table multiplies by the number of machines.",
        as_table(pd.DataFrame(rows)),
        f"What the arithmetic leaves out: the files here are {run.get('mean_kb', 0):,} KB on average, and a DICOM file "
        "of several megabytes takes longer to read and decode; storage must deliver the last column; one process "
        "writes all rows and keeps every path in memory.",
    ]


def _results(parts: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return where the parts of a benchmark were measured, their table and their notes."""
    notes = [
        f"- **{words(row['what'])}.** {words(row['note'])}" for part in parts for row in part["rows"] if row["note"]
    ]
    marked = [EARLIER] if any(earlier(part) for part in parts) else []
    return [machine(parts), *marked, as_table(table(parts)), *(["Notes:", "\n".join(notes)] if notes else [])]


def load(record: Mapping[str, Any]) -> list[str]:
    """Return the section of the load test; nothing without a record."""
    sentences = users(record)
    if not sentences:
        return []
    marked = [EARLIER] if any(earlier(run) for run in record.values()) else []
    title = "## Many users at once (`python -m tests.load`)"
    return [title, *marked, "\n".join(f"- {sentence}" for sentence in sentences)]


def earlier(record: Mapping[str, Any]) -> str:
    """Return " (earlier weights, 2026-01-02)" for a record of weights that no network has today, else ""."""
    measured = record.get("weights_sha256")
    if measured is None or measured in {registry.spec(name, config.NETWORKS).sha256 for name in registry.names()}:
        return ""
    return f" (earlier weights, {record['date']})"


def machine(parts: Sequence[Mapping[str, Any]]) -> str:
    """Return where and when the figures were measured, as Markdown."""
    machine_record, dates = parts[-1]["machine"], sorted({part["date"] for part in parts})
    busiest = max(max(part["load"]) for part in parts)
    crowded = (
        f" Up to {busiest:.0f} processes competed for its {machine_record['cores']} cores, so times are longer than on "
        "an idle machine; the ratios compare alternating runs."
        if busiest > machine_record["cores"]
        else ""
    )
    return (
        f"Measured on {' and '.join(dates)} on a machine with {machine_record['cores']} cores "
        f"({machine_record['processor']}) "
        f"and {machine_record['memory_gib']} GiB of memory.{crowded}"
    )


def table(parts: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Return one row for each measurement."""
    rows = [row for part in parts for row in part["rows"]]
    return pd.DataFrame(
        {
            "Measured": [words(row["what"]) + earlier(part) for part in parts for row in part["rows"]],
            "Result": [figure(row) for row in rows],
            "Target": [words(row["goal"]) or "–" for row in rows],
            "Met": [REACHED[row["reached"]] for row in rows],
        }
    )


def figure(row: Mapping[str, Any]) -> str:
    """Return a result with its unit and detail."""
    if row["value"] is None:
        return "not measured"
    value = f"{row['value']:,.3g}" if abs(row["value"]) < 100 else f"{row['value']:,.0f}"
    return f"{value} {words(row['unit'])}".strip() + (f" ({words(row['detail'])})" if row["detail"] else "")


def words(text: str) -> str:
    """Return a text of the records with X-ray for film, the word of the code."""
    return re.sub(r"\bfilm(s?)\b(?! \d)", r"X-ray\1", text.replace("a film", "an X-ray"))


def users(load: Mapping[str, Any]) -> list[str]:
    """Return the result of each run of the load test, one sentence each."""
    sentences = []
    for name, run in load.items():
        shared = f", in {run.get('apps')} apps with one prediction service"
        who = {
            "steady": f"{run.get('sessions')} users analyzed X-rays one after another",
            "at_once": f"{run.get('sessions')} users uploaded an X-ray at the same moment",
            "service": f"{run.get('sessions')} users analyzed X-rays one after another{shared}",
            "service_at_once": f"{run.get('sessions')} users uploaded an X-ray at the same moment{shared}",
            "soak": f"{run.get('visitors')} users came and went in {run.get('minutes'):g} minutes"
            if "minutes" in run
            else "",
        }.get(name)
        if not who:
            continue
        missed = [label for label, held in run["held"].items() if held is False]
        outcome = f"Targets missed: {'; '.join(missed)}." if missed else "All targets were met."
        memory_used = f"at most {run['peak_mb']:,.0f} MB of memory"
        if "service_peak_mb" in run:
            memory_used += f" for an app and {run['service_peak_mb']:,.0f} MB for the service"
        sentences.append(
            f"**{who}**{earlier(run)}: {run['readings']:,} X-rays analyzed, {len(run['failures'])} failures, "
            f"{same(run)} as for a single user, {memory_used}. {outcome}"
        )
    return sentences


def memory(load: Mapping[str, Any]) -> str:
    """Return the most memory that the app took in the load test, and when that was, as one sentence."""
    if not load:
        return "Memory under load has not been measured yet."
    largest = max(load.values(), key=lambda run: run["peak_mb"])
    services = [run["service_peak_mb"] for run in load.values() if "service_peak_mb" in run]
    service = (
        f" A prediction service used at most {max(services):,.0f} MB, with all of its processes." if services else ""
    )
    return (
        f"In the load test, one app used at most {largest['peak_mb']:,.0f} MB of memory, with "
        f"{largest.get('sessions', largest.get('sessions_at_a_time'))} users at a time, on {largest['date']} "
        f"{'with earlier weights ' if earlier(largest) else ''}(`assets/results/load.json`).{service}"
    )


def same(run: Mapping[str, Any]) -> str:
    """Return how close a run's scores are to those of a single user."""
    largest = run["largest_difference"]
    return f"the same scores within {largest:.0e}" if largest else "exactly the same scores"
