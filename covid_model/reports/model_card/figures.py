"""The figures of a card: measures on the test films, every split and source, groups of people, counts of films."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pandas as pd

from covid_model import config, evaluation
from covid_model.evaluation import Estimate, Part
from covid_model.evaluation.bootstrap import share
from covid_model.formatting import AREAS, MEASURES, counted, decimal, interval, percent
from covid_model.reports.model_card.prose import Table, escape

SHOWN = ("accuracy", "sensitivity", "specificity", "ppv", "npv", "auc")  # of phrases.MEASURES
VIEWS = ("PA", "AP", "AP Supine", "AP erect")  # as the list of films names them
SEXES = {"F": "Women", "M": "Men"}


def with_patients(scores: pd.DataFrame, films: pd.DataFrame | None) -> pd.DataFrame:
    """One network's scores by film id, with each film's patient, view and sex where the list of films knows them."""
    table = scores.drop_duplicates("id").set_index("id")
    if films is None:
        return table
    known = films.reindex(table.index)
    table = table.assign(patient=known["patient"].fillna(table.index.to_series()))
    return table.assign(**{name: known[name] for name in ("view", "sex") if name in known})


def in_words(estimate: Estimate, number: Callable[[float | None], str] = percent) -> str:
    """ "97.7 % (96.5 to 98.7 %)"."""
    about = interval(estimate, number)
    return number(estimate.value) + (f" ({about})" if about else "")


def measures(table: pd.DataFrame, threshold: float) -> Table | None:
    """Measures on the films of `test`, beside one who answers "no" every time; None where there are none."""
    test = table[table["split"] == "test"]
    if test.empty:
        return None
    covid, patients = test["covid"] == 1, test.get("patient")
    kinds = evaluation.sweep(test["score"], {"covid": covid, "other": ~covid}, patients)
    found = evaluation.rates_at(kinds["covid"], kinds["other"], threshold)
    found |= evaluation.area_intervals(test["score"], test["covid"], patients)
    floor = evaluation.rates_at(kinds["covid"], kinds["other"], 1.0) | {
        "auc": Estimate(evaluation.roc(test["score"] * 0, test["covid"]).area)
    }
    rows = []
    for name in SHOWN:
        number = decimal if name in AREAS else percent
        title, asks = MEASURES[name]
        rows.append((f"{title}: {asks}", in_words(found[name], number), number(floor[name].value)))
    title = f"{config.SPLIT_TITLES['test']}, {len(test):,} films, at {threshold:g}"
    return Table(title, ("Measure", "This network", "Always “no”"), tuple(rows))


def adults(table: pd.DataFrame, threshold: float) -> Estimate:
    """Of the adults without COVID-19 of `test`, those who are called positive."""
    rows = table[(table["split"] == "test") & (table["covid"] == 0) & (table["source"] != config.CHILDREN)]
    return share(rows["score"] > threshold, rows.get("patient", pd.Series(rows.index, rows.index)))


def parts(found: Sequence[Part], threshold: float) -> Table:
    """Every split and source apart."""
    rows = []
    for one in found:
        source = "all sources" if one.source is None else escape(config.SOURCE_TITLES.get(one.source, one.source))
        rows.append(
            (
                f"{config.SPLIT_TITLES[one.split]}: {source}",
                f"{one.films:,} ({int(one.covid.total[0]):,})",
                in_words(evaluation.share_at(one.covid, threshold)),
                in_words(evaluation.inverse(evaluation.share_at(one.other, threshold))),
                in_words(one.auc, decimal),
            )
        )
    columns = ("Films", "n (of COVID-19)", "Sensitivity", "Specificity", "AUC")
    return Table(f"Every split and source, at {threshold:g}", columns, tuple(rows))


def groups(table: pd.DataFrame, threshold: float) -> Table:
    """Age, view and sex over all films that no network was trained on; groups without films are left out."""
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
        whose = films.get("patient", pd.Series(films.index, films.index))
        called, covid = films["score"] > threshold, films["covid"] == 1
        cells = [share(hits[of], whose[of]) for hits, of in ((called, covid), (~called, ~covid))]
        rows.append((title, f"{len(films):,} ({int(covid.sum()):,})", *(_counted(cell) for cell in cells)))
    columns = ("Group", "n (of COVID-19)", "COVID-19 films called positive", "Others called negative")
    return Table(f"Age, view and sex, films not trained on, at {threshold:g}", columns, tuple(rows))


def _counted(estimate: Estimate) -> str:
    return f"{counted(estimate)}: {in_words(estimate)}" if estimate else "–"


def counts(films: pd.DataFrame, splits: Sequence[str]) -> Table:
    """Films by source and split, those of COVID-19 in brackets."""
    shown = films[films["split"].isin(splits)]
    sources = [source for source in config.SOURCE_TITLES if (shown["source"] == source).any()]
    rows = [(escape(config.SOURCE_TITLES[source]), shown[shown["source"] == source]) for source in sources]
    rows.append(("All sources", shown))
    cells = []
    for title, part in rows:
        by_split = [part[part["split"] == split] for split in splits]
        cells.append((title, *map(_count, by_split)))
    columns = ("Source", *(config.SPLIT_TITLES[split] for split in splits))
    return Table("Films by source and split, those of COVID-19 in brackets", columns, tuple(cells))


def _count(films: pd.DataFrame) -> str:
    """How many films, and how many of COVID-19 where the truth of any is known: "7,527 (2,774)"."""
    if films.empty:
        return ""
    covid = "" if films["covid"].isna().all() else f" ({int(films['covid'].sum()):,})"
    return f"{len(films):,}{covid}"


def calibration(record: Mapping[str, Any] | None) -> Table | None:
    """Calibration errors before and after the temperature, as the audit recorded them."""
    if record is None:
        return None
    rows = []
    for name, part in record["splits"].items():
        errors = [decimal(part[when][key]) for key in ("ece", "brier") for when in ("before", "after")]
        rows.append((config.SPLIT_TITLES.get(name, "All adults' films not trained on"), *errors))
    columns = ("Films", "ECE before", "ECE after", "Brier score before", "Brier score after")
    return Table(f"Calibration, before and after the temperature {record['temperature']:.2f}", columns, tuple(rows))
