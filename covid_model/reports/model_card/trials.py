"""What was tried for the default network: one table of trials, judged on a source left out or on validation X-rays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from covid_model import config
from covid_model.evaluation import Estimate, area_from_counts
from covid_model.formatting import decimal
from covid_model.reports.model_card.figures import with_interval
from covid_model.reports.model_card.sentences import Table, escape

SOURCES = ("siim", "radiography", "cohen")  # those with both classes
DECISIONS = {  # by title of a trial without one source: what the recipe does, which was set before the trials
    "Block 5 and the head, groups balanced": "in the recipe",
    "The head alone": "in the first stage only",
    "Groups as large as they are": "not in the recipe",
    "Light augmentation": "in the recipe",
    "Heavy augmentation": "not in the recipe",
    "Source adversary": "not in the recipe",
    "Last layer fitted anew on balanced groups": "tried on the network, below",
    "Twice the steps": "tried on the network: LoRA, below",
}


def tried(record: Mapping[str, Any] | None, validation: Mapping[str, Any] | None = None) -> tuple[str | Table, ...]:
    """Return what both records hold, as paragraphs and one table; () without a record.

    Args:
        record: assets/results/trials.json, trials without one source.
        validation: assets/results/validation_trials.json, changes to the trained network.
    """
    without = (record or {}).get("trials", [])
    changed = (validation or {}).get("trials", [])
    if not without and not changed:
        return ()
    notes = ["No reported X-ray was used. Each trial ran once, with one seed, unless it says otherwise."]
    if without:
        notes.append(_about_trials(record))
    if changed:
        notes.append(_about_changes(validation["about"]))
    rows = [_row(trial, "left out") for trial in without] + [
        _row(trial, trial.get("judged", "validation")) for trial in changed
    ]
    titles = [config.SOURCE_SHORT[source] for source in SOURCES]
    columns = ("Trial", "Judged on", *(f"AUC, {title}" for title in titles), "Mean AUC", "Sensitivity", "Decision")
    return *notes, Table("Trials", columns, tuple(rows))


def _about_trials(record: Mapping[str, Any]) -> str:
    about = record.get("about", {})
    half = [
        (area.high - area.low) / 2
        for trial in record["trials"]
        for row in trial["sources"].values()
        if (area := _area(row)).low is not None
    ]
    noise = f" An AUC is known to about ±{max(half):.2f}, so small differences are noise." if half else ""
    size = f", at {about['size']} pixels, in batches of {about['batch']}" if about else ""
    films = f" on at most {about['films']:,} X-rays" if about else ""
    return (
        "*Left out*: short trials that check the recipe, made after the network was trained. Each trains"
        f"{films}{size}, with blocks 1 to 4 frozen and without one source, and is judged on that source.{noise}"
    )


def _about_changes(about: Mapping[str, Any]) -> str:
    return (
        "*Validation*: changes to the trained network, tried outside this repository and judged on its validation "
        "X-rays. Sensitivities, in the order of the sources, are those where "
        f"{about['adults_positive']} of {about['adults']} adults without COVID-19 are positive. Empty cells were "
        "not measured or not kept."
    )


def _row(trial: Mapping[str, Any], judged: str) -> tuple[str, ...]:
    by_source = trial["sources"]
    areas = {source: _area(row) for source, row in by_source.items()}
    cells = [with_interval(areas[source], decimal) if source in areas else "" for source in SOURCES]
    mean = decimal(sum(area.value for area in areas.values()) / len(areas)) if len(areas) > 1 else ""
    found = [f"{100 * row['found'] / row['covid']:.0f}" for row in by_source.values() if "found" in row]
    sensitivity = f"{', '.join(found)} %" if found else ""
    decision = trial.get("decision") or DECISIONS.get(trial["title"], "")
    return escape(trial["title"]), judged, *cells, mean, sensitivity, escape(decision)


def _area(row: Mapping[str, Any]) -> Estimate:
    """Return a row's AUC with its interval: the recorded one, or by the numbers of X-rays; without one if neither."""
    if "low" in row:
        return Estimate(row["auc"], row["low"], row["high"])
    if "covid" in row:
        return area_from_counts(row["auc"], row["covid"], row["films"] - row["covid"])
    return Estimate(row["auc"])


def within(record: Mapping[str, Any] | None) -> str:
    """Return how well a frozen base separates the classes of one source, as one sentence; "" without a record."""
    best = {base: max(fit["auc"] for fit in fits) for base, fits in record["bases"].items()} if record else {}
    if not {"imagenet", "random"} <= set(best):
        return ""
    spread = max(fit["spread"] for fits in record["bases"].values() for fit in fits)
    nothing = ": pretraining adds nothing there" if best["imagenet"] - best["random"] < spread else ""
    return (
        f"Within {escape(config.SOURCE_TITLES.get(record['source'], record['source']))} ({record['covid']} COVID-19 "
        f"X-rays, {record['films'] - record['covid']} others, {record['patients']} patients), a linear head on a "
        f"frozen base has a cross-validated AUC of {decimal(best['imagenet'])} with ImageNet weights and "
        f"{decimal(best['random'])} with random ones{nothing}."
    )
