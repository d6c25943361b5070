"""The goals set before training, each beside its result: from the scores, and from the records of experiments."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from covid_model import config, evaluation
from covid_model.evaluation import Estimate
from covid_model.evaluation.bootstrap import share
from covid_model.formatting import counted, decimal, percent
from covid_model.reports.model_card.figures import with_interval
from covid_model.reports.model_card.sentences import Table, escape
from covid_model.verdict import is_positive

ACCURACY, SENSITIVITY, ALARMS, AREA = "Accuracy", "Sensitivity", "False positives among adults", "AUC"
OTHERS = "False positives"
CUT = "one threshold, set by adults of all sources"  # what bounds a result
UNCHOSEN = "not chosen on, and small"
FROZEN_BASE = "frozen features, averaged; a cut border helped in trials, but the paper has none"


@dataclass(frozen=True)
class Goal:
    """One goal.

    Attributes:
        measure: ACCURACY, SENSITIVITY, ALARMS, AREA or OTHERS.
        split, source: The films; every source if `source` is None.
        bound: The minimum, or the maximum for false positives: in [0, 1], or a number of films if `count`.
        count: Whether `bound` is a number of films.
        upper: The maximum, if `bound` is a minimum and the goal a range.
        limit: What bounds the result, in a few words; shown if the goal is missed.
    """

    measure: str
    split: str
    source: str | None
    bound: float
    count: bool = False
    upper: float | None = None
    limit: str = ""

    @property
    def at_most(self) -> bool:
        return self.measure in (ALARMS, OTHERS)


GOALS = {  # by network
    "fine-tuned": (
        Goal(ACCURACY, "test", None, 0.983, limit=CUT),
        Goal(SENSITIVITY, "test", None, 0.92, limit=CUT),
        Goal(ALARMS, "test", None, 4, count=True, limit=CUT),
        Goal(AREA, "extra-test", "siim", 0.94, limit="variants tried end at about the same validation AUC"),
        Goal(AREA, "extra-test", "radiography", 0.98, limit="more steps help; two cores could not give them"),
        Goal(ALARMS, "extra-test", "radiography", 0.02, limit=CUT),
        Goal(ALARMS, "extra-test", "nih", 0.02, limit="the rule holds over all sources together, not each"),
        Goal(AREA, "external", "actualmed", 0.93, limit=UNCHOSEN),
        Goal(SENSITIVITY, "external", "figure1", 0.85, limit=UNCHOSEN),
        Goal(OTHERS, "external", "figure1", 2, count=True, limit=UNCHOSEN),
    ),
    "frozen": (
        Goal(AREA, "extra-test", "siim", 0.88, limit=FROZEN_BASE),
        Goal(AREA, "external", "actualmed", 0.93, limit=FROZEN_BASE),
        Goal(ALARMS, "extra-test", "nih", 0.03, limit=FROZEN_BASE),
        Goal(ALARMS, "test", None, 5, count=True, limit=FROZEN_BASE),
    ),
    "paper": (
        Goal(ACCURACY, "test", None, 0.975, upper=0.985),
        Goal(SENSITIVITY, "test", None, 0.95),
    ),
}
WITH_RECORDS = "fine-tuned"  # the network that the goals about records are of
CLEAR = "clear-"  # how the ids of simulated films without a lesion begin
OTHER_CLEAR = ("markers", "rg1")


def table(
    name: str, scores: pd.DataFrame, threshold: float, records: Mapping[str, Mapping[str, Any] | None] | None = None
) -> Table | None:
    """Return each goal of the network `name` beside the result; None if it has none, or a goal's films no scores.

    Args:
        name: The network's.
        scores: One network's films by id, with the columns split, source, covid, score and, for intervals by patient,
            patient.
        threshold: In [0, 1].
        records: Those that `recorded` knows, made with the network's weights.
    """
    rows = []
    for goal in GOALS.get(name, ()):
        films = films_of(goal, scores)
        if films.empty or films["covid"].nunique() < (1 if goal.at_most else 2):
            return None
        rows.append(_row(goal, films, threshold))
    if name == WITH_RECORDS:
        rows += recorded(records or {}, threshold)
    columns = ("X-rays and metric", "Goal", "Result", "Outcome", "What bounds it")
    return Table(f"Goals set before training, threshold {threshold:g}", columns, tuple(rows)) if rows else None


def _row(goal: Goal, films: pd.DataFrame, threshold: float) -> tuple[str, ...]:
    result = measured(goal, films, threshold)
    value = result.count if goal.count else result.value
    where = config.SPLIT_TITLES[goal.split]
    where += f", {config.SOURCE_SHORT[goal.source]}" if goal.source else ""
    number = decimal if goal.measure == AREA else percent
    total = f" of {len(films):,}" if goal.count else ""
    bound = f"at {'most' if goal.at_most else 'least'} {_figure(goal, goal.bound)}{total}"
    bound = bound if goal.upper is None else f"{_figure(goal, goal.bound)} to {_figure(goal, goal.upper)}"
    shown = f"{counted(result)}: {with_interval(result)}" if goal.count else with_interval(result, number)
    short = value - goal.bound if goal.at_most else goal.bound - value
    above = goal.upper is not None and value > goal.upper
    short = value - goal.upper if above else short
    by = _figure(goal, short) if goal.count or goal.measure == AREA else f"{100 * short:.1f} points"
    return f"{where}: {goal.measure}", bound, shown, *_outcome(short > 0, by + " above" * above, goal.limit)


def _outcome(missed: bool, by: str, limit: str) -> tuple[str, str]:
    return (f"missed by {by}", limit) if missed else ("reached", "")


def films_of(goal: Goal, scores: pd.DataFrame) -> pd.DataFrame:
    """Return the films that a goal is about."""
    own = scores["split"] == goal.split
    if goal.source:
        own &= scores["source"] == goal.source
    if goal.at_most:
        own &= (scores["covid"] == 0) & (scores["source"] != config.CHILDREN)
    return scores[own]


def measured(goal: Goal, films: pd.DataFrame, threshold: float) -> Estimate:
    """Return the result with its interval, by patient if the films name theirs."""
    covid = films["covid"] == 1
    patients = films.get("patient", pd.Series(films.index, films.index))
    if goal.measure == AREA:
        return evaluation.area_intervals(films["score"], films["covid"], patients)["auc"]
    if goal.at_most:
        return share(is_positive(films["score"], threshold), patients)
    # resampled as in the card's other tables, so that a figure has one interval
    kinds = evaluation.sweep(films["score"], {"covid": covid, "other": ~covid}, films.get("patient"))
    key = "accuracy" if goal.measure == ACCURACY else "sensitivity"
    return evaluation.rates_at(kinds["covid"], kinds["other"], threshold)[key]


def _figure(goal: Goal, value: float) -> str:
    if goal.count:
        return f"{value:.0f}"
    return decimal(value) if goal.measure == AREA else percent(value)


# --- Goals about records of experiments ---


def recorded(records: Mapping[str, Mapping[str, Any] | None], threshold: float) -> list[tuple[str, ...]]:
    """Return a row for each of these goals whose record there is.

    Args:
        records: `readings` (scores of the sample films by id), `trials`, `benchmark` and, as the experiments record
            them, `elsewhere`, `robustness` and `novelty`.
        threshold: In [0, 1].
    """
    rows: list[tuple[str, ...]] = []
    for name, of in _RECORDED.items():
        if record := records.get(name):
            rows += of(record, threshold)
    return rows


def _samples(scores: Mapping[str, float], threshold: float) -> Iterable[tuple[str, ...]]:
    clear = [score for film, score in scores.items() if film.startswith(CLEAR) or film in OTHER_CLEAR]
    if clear:
        count, total = sum(is_positive(score, threshold) for score in clear), len(clear)
        outcome = _outcome(count > 1, str(count - 1), "")
        yield "Clear samples (simulated, markers, RG1): positive", *_of(1, count, total), *outcome


def _trials(record: Mapping[str, Any], threshold: float) -> Iterable[tuple[str, ...]]:
    areas = [[row["auc"] for row in trial["sources"].values()] for trial in record["trials"]]
    best = max(sum(trial) / len(trial) for trial in areas)
    limit = "only short trials leave a source out"
    outcome = _outcome(best < 0.9, decimal(0.9 - best), limit)
    yield "Source left out, best trial: mean AUC", "at least 0.900", decimal(best), *outcome


def _readings(record: Mapping[str, Any], threshold: float) -> Iterable[tuple[str, ...]]:
    steps = [(row["reading"], row["above_the_previous"]) for row in record.get("readings", ())]
    steps = [(reading, above) for reading, above in steps if above is not None]
    if steps:
        flat = [reading for reading, above in steps if not above]
        limit = f"{', '.join(flat)} not above the reading before"
        outcome = _outcome(bool(flat), str(len(flat)), limit)
        reached = f"{len(steps) - len(flat)} of {len(steps)}"
        goal = f"{len(steps)} steps"
        yield "Graded readings: mean score rises beyond its interval", goal, reached, *outcome


def _robustness(record: Mapping[str, Any], threshold: float) -> Iterable[tuple[str, ...]]:
    small = record["small"]
    kept = Estimate(**small["films_within"])
    limit = f"all copies must hold; of single copies {percent(small['copies_within'])} do"
    outcome = _outcome(kept.value < 0.95, f"{100 * (0.95 - kept.value):.1f} points", limit)
    title = f"Test, {small['films']} X-rays: within {small['within']:g} under {small['copies']} small changes"
    yield title, "at least 95.0 %", with_interval(kept), *outcome


def _gate(record: Mapping[str, Any], threshold: float) -> Iterable[tuple[str, ...]]:
    sources = [row for row in record["genuine"] if row["source"]]
    worst = max(sources, key=lambda row: row["flagged"]["value"])
    flagged, source = Estimate(**worst["flagged"]), escape(config.SOURCE_SHORT[worst["source"]])
    limit = "cut set on the training sources"
    outcome = _outcome(flagged.value > 0.02, f"{100 * (flagged.value - 0.02):.1f} points", limit)
    title = "Chest X-rays flagged, worst source"
    yield title, "at most 2.0 %", f"{source}, {counted(flagged)}: {with_interval(flagged)}", *outcome
    other = Estimate(**record["every_other"])
    outcome = _outcome(other.value < 0.97, f"{100 * (0.97 - other.value):.1f} points", "")
    yield "Other images, or rotated and inverted X-rays, flagged", "at least 97.0 %", with_interval(other), *outcome


def _precision(record: Mapping[str, Any], threshold: float) -> Iterable[tuple[str, ...]]:
    part = record["parts"].get("precision", {}).get("record", {})
    if own := part.get("networks", {}).get(WITH_RECORDS):
        moved, changed = own["largest"], own["changed"]
        missed = moved > 0.01 or changed > 0
        title = f"bfloat16, {part['films']:,} of Test: largest change of a score; verdicts changed"
        yield title, "at most 0.01; 0", f"{decimal(moved)}; {changed}", *_outcome(missed, "that", "rounding")


def _of(bound: int, count: int, total: int) -> tuple[str, str]:
    return f"at most {bound} of {total}", f"{count} of {total}"


_RECORDED: dict[str, Callable[[Mapping[str, Any], float], Iterable[tuple[str, ...]]]] = {
    "readings": _samples,
    "trials": _trials,
    "elsewhere": _readings,
    "robustness": _robustness,
    "novelty": _gate,
    "benchmark": _precision,
}
