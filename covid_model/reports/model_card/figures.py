"""The tables of a card: metrics, splits, sources, groups of people, counts of X-rays."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pandas as pd

from covid_model import config, evaluation
from covid_model.evaluation import Estimate, Part
from covid_model.evaluation.bootstrap import share
from covid_model.evaluation.threshold_sweep import majority_baseline
from covid_model.formatting import MEASURES, decimal, interval, percent
from covid_model.reports.model_card.sentences import Table, escape
from covid_model.verdict import is_positive

SHOWN = ("accuracy", "ppv", "npv")  # keys of MEASURES; the others are in the table of every split and source
VIEWS = ("PA", "AP", "AP Supine", "AP erect")  # names in the list of films
SEXES = {"F": "Women", "M": "Men"}


def with_patients(scores: pd.DataFrame, films: pd.DataFrame | None) -> pd.DataFrame:
    """Return one network's scores by film id, with patient, view and sex from the list of films if there is one."""
    table = scores.drop_duplicates("id").set_index("id")
    if films is None:
        return table
    known = films.reindex(table.index)
    table = table.assign(patient=known["patient"].fillna(table.index.to_series()))
    return table.assign(**{name: known[name] for name in ("view", "sex") if name in known})


def with_interval(estimate: Estimate, number: Callable[[float | None], str] = percent) -> str:
    """ "97.7 % (96.5–98.7 %)"."""
    limits = interval(estimate, number).replace(" to ", "–")
    return number(estimate.value) + (f" ({limits})" if limits else "")


def measures(table: pd.DataFrame, threshold: float) -> Table | None:
    """Return the metrics on the test set beside the majority-class baseline; None if there are no scores of it."""
    test = table[table["split"] == "test"]
    if test.empty:
        return None
    covid, patients = test["covid"] == 1, test.get("patient")
    kinds = evaluation.sweep(test["score"], {"covid": covid, "other": ~covid}, patients)
    estimates = evaluation.rates_at(kinds["covid"], kinds["other"], threshold)
    baseline = majority_baseline(test["covid"], kinds["covid"], kinds["other"])
    rows = []
    for name in SHOWN:
        title, definition = MEASURES[name]
        rows.append((f"{title}: {definition}", with_interval(estimates[name]), percent(baseline[name].value)))
    title = f"{config.SPLIT_TITLES['test']}, {len(test):,} X-rays, threshold {threshold:g}"
    return Table(title, ("Measure", "This network", "Majority-class baseline"), tuple(rows))


def adults(table: pd.DataFrame, threshold: float) -> Estimate:
    """Return the share of positives among the test set's adults without COVID-19."""
    rows = table[(table["split"] == "test") & (table["covid"] == 0) & (table["source"] != config.CHILDREN)]
    return share(is_positive(rows["score"], threshold), rows.get("patient", pd.Series(rows.index, rows.index)))


def operating_point(table: pd.DataFrame | None, threshold: float) -> str:
    """Return how many validation X-rays of adults without COVID-19 are positive, by source too; "" without scores.

    Of the training splits, only the validation films have scores.
    """
    if table is None:
        return ""
    held_out = table[table["split"].isin(config.TRAINING_SPLITS)]
    positive = is_positive(held_out["score"], threshold)[
        (held_out["covid"] == 0) & (held_out["source"] != config.CHILDREN)
    ]
    if positive.empty:
        return ""
    by_source = positive.groupby(held_out["source"].reindex(positive.index)).agg(["sum", "size"])
    parts = [
        f"{escape(config.SOURCE_SHORT.get(source, source))} {row['sum']} of {row['size']}"
        for source, row in by_source.iterrows()
    ]
    return f"{positive.sum()} of {len(positive)} ({', '.join(parts)})"


def disputed(films: pd.DataFrame | None) -> tuple[int, int] | tuple[None, None]:
    """Return how many films are listed as COVID-19 but were read as negative: trained on, and reported."""
    if films is None or "panel" not in films:
        return None, None
    read = films["covid"].eq(1) & films["panel"].eq("negative")
    trained = films["split"].isin(config.TRAINING_SPLITS)
    return int((read & trained).sum()), int((read & ~trained).sum())


def parts(results: Sequence[Part], threshold: float) -> Table:
    """Return sensitivity, specificity and AUC of every split and source."""
    rows = []
    for part in results:
        source = "all sources" if part.source is None else escape(config.SOURCE_TITLES.get(part.source, part.source))
        rows.append(
            (
                f"{config.SPLIT_TITLES[part.split]}: {source}",
                f"{part.films:,} ({int(part.covid.total[0]):,})",
                with_interval(evaluation.share_at(part.covid, threshold)),
                with_interval(evaluation.inverse(evaluation.share_at(part.other, threshold))),
                with_interval(part.auc, decimal),
            )
        )
    columns = ("X-rays", "n (COVID-19)", "Sensitivity", "Specificity", "AUC")
    return Table(f"Every split and source, threshold {threshold:g}", columns, tuple(rows))


def groups(table: pd.DataFrame, threshold: float) -> Table:
    """Return sensitivity and specificity by age, view and sex over all films that no network was trained on."""
    unseen = table[~table["split"].isin(config.TRAINING_SPLITS)]
    children = unseen["source"] == config.CHILDREN
    kinds = {"Adults": ~children, "Children": children}
    for column, names in (("view", {view: f"Adults, {view}" for view in VIEWS}), ("sex", SEXES)):
        for value, title in names.items() if column in unseen else ():
            kinds[title] = (unseen[column] == value) & ~children
    rows = []
    for title, own in kinds.items():
        if not own.any():
            continue
        films = unseen[own]
        patients = films.get("patient", pd.Series(films.index, films.index))
        positive, covid = is_positive(films["score"], threshold), films["covid"] == 1
        cells = [share(hits[mask], patients[mask]) for hits, mask in ((positive, covid), (~positive, ~covid))]
        rows.append((title, f"{len(films):,} ({int(covid.sum()):,})", *(with_interval(cell) for cell in cells)))
    columns = ("Group", "n (COVID-19)", "Sensitivity", "Specificity")
    return Table(f"Age, view and sex, X-rays not trained on, threshold {threshold:g}", columns, tuple(rows))


def counts(films: pd.DataFrame, splits: Sequence[str]) -> Table:
    """Return the number of films by source and split, those with COVID-19 in parentheses."""
    shown = films[films["split"].isin(splits)]
    sources = [source for source in config.SOURCE_TITLES if (shown["source"] == source).any()]
    rows = [(escape(config.SOURCE_TITLES[source]), shown[shown["source"] == source]) for source in sources]
    rows.append(("All sources", shown))
    cells = []
    for title, part in rows:
        by_split = [part[part["split"] == split] for split in splits]
        cells.append((title, *map(_count, by_split)))
    columns = ("Source", *(config.SPLIT_TITLES[split] for split in splits))
    return Table("X-rays by source and split, COVID-19 in parentheses", columns, tuple(cells))


def _count(films: pd.DataFrame) -> str:
    """Return "7,527 (2,774)": films, and those with COVID-19 unless no ground truth is known."""
    if films.empty:
        return ""
    covid = "" if films["covid"].isna().all() else f" ({int(films['covid'].sum()):,})"
    return f"{len(films):,}{covid}"


def calibration(record: Mapping[str, Any] | None) -> str:
    """Return the Brier scores and what temperature scaling does to them, from the experiment's record."""
    if record is None:
        return ""
    names = {name: config.SPLIT_TITLES.get(name, "all adult X-rays not trained on") for name in record["splits"]}
    scores = [f"{decimal(part['before']['brier'])} ({names[name]})" for name, part in record["splits"].items()]
    helped = [names[name] for name, part in record["splits"].items() if part["helps"]]
    fitted = record["fitted_on"]["films"]
    return (
        f"Calibration: the Brier score is {', '.join(scores)}. Temperature scaling (T = {record['temperature']:.2f}, "
        f"fitted on all {fitted:,} validation X-rays, children's included) "
        f"improves {'that of ' + ' and '.join(helped) if helped else 'none of these'}."
    )
