"""A network's card: the nine fields of Mitchell et al. (2019), then the items of CLAIM that apply."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from covid_model import config, evaluation
from covid_model import records as records_module
from covid_model.data import dataset
from covid_model.formatting import counted, duration, intervals
from covid_model.model import network_spec, registry
from covid_model.model.network_spec import NetworkSpec
from covid_model.reports.model_card import figures, recipe, targets
from covid_model.reports.model_card.prose import Card, Section, Table, bullets, escape, fill, load

UNSEEN = tuple(split for split in config.SPLITS if split not in config.TRAINING_SPLITS)
NO_SCORES = "This copy has no scores of this network, so the figures that belong here are missing."


def build(
    spec: NetworkSpec,
    scores: pd.DataFrame | None,
    films: pd.DataFrame | None,
    trials: Sequence[Mapping[str, Any]] = (),
    within: Mapping[str, Any] | None = None,
    put_aside: Mapping[str, Any] | None = None,
    networks: Path | None = None,
    audits: Path | None = None,
) -> Card:
    """The card of one network, made of what is there; where a table is missing, the card says so.

    Args:
        scores: assets/results/scores.csv, all networks; None where it is missing.
        films: the list of films, by id; None where it is missing (intervals are then by film).
        trials: records of the trials that the recipe was chosen by.
        within: the record of `training.within`; None where there is none.
        put_aside: the record of a stage that was trained and not taken; None where there is none.
        networks: the folder of the prose.
        audits: the folder of the audit's records.

    Raises:
        CardError: the prose is missing or damaged.
        ValueError: a score is no number in [0, 1].
    """
    networks = config.NETWORKS if networks is None else networks
    audits = config.AUDIT if audits is None else audits
    table = None
    if scores is not None and (scores["network"] == spec.name).any():
        table = figures.with_patients(scores[scores["network"] == spec.name], films)
    records = {
        name: record
        for name in config.AUDIT_EXPERIMENTS
        if (record := records_module.load_experiment(spec.name, name, audits))
    }
    raw = load(networks)
    own = raw["networks"].get(spec.name, {})
    values = _values(spec, table, films, records) | {
        "recipe_chosen": own.get("recipe", "Not recorded."),
        "threshold_set": own.get("threshold", "How it was set is not recorded."),
    }
    prose = fill(raw, values)
    own = prose["networks"].get(spec.name, {})

    use, factors, metrics = prose["intended_use"], prose["factors"], prose["metrics"]
    sections = [
        Section("Model details", (bullets(prose["details"]), *_details(spec), own.get("recipe", ""))),
        *([Section("How the recipe was chosen", chosen)] if (chosen := _chosen(trials, within)) else []),
        *([Section("Trained further, and not taken", targets.told(spec, put_aside, table))] if put_aside else []),
        Section("Time and energy", _spent(spec, trials, put_aside)),
        Section(
            "Intended use",
            (
                *_list("For", [*use["primary"], *_some(own.get("intended_use"))]),
                *_list("By", use["users"]),
                *_list("Not for", use["out_of_scope"]),
            ),
        ),
        Section("Factors", (*_list("Relevant", factors["relevant"]), *_list("Reported here", factors["reported"]))),
        Section("Metrics", (bullets([*metrics["choice"], *metrics["threshold"], values["intervals"]]),)),
        Section("Evaluation data", (bullets(prose["evaluation_data"]), *_counts(films, UNSEEN))),
        Section("Training data", (bullets(prose["training_data"]), *_counts(films, config.TRAINING_SPLITS))),
        Section("Quantitative analyses", _analyses(spec, table, records)),
        Section("Ethical considerations", (bullets(prose["ethics"]),)),
        Section("Caveats and recommendations", (bullets([*own.get("caveats", ()), *prose["caveats"]]),)),
        Section("CLAIM", (_claim(prose["claim"]),)),
    ]
    head = f"`{spec.name}`. {escape(spec.summary)} After {' and '.join(prose['sources'])}."
    kept = tuple(Section(one.title, tuple(part for part in one.parts if part)) for one in sections)
    return Card(spec.name, escape(spec.title), head, kept)


def _values(
    spec: NetworkSpec, table: pd.DataFrame | None, films: pd.DataFrame | None, records: Mapping[str, Any]
) -> dict[str, str]:
    """What the {names} of the prose stand for."""
    unknown = "an unknown number of"
    external = None if films is None else films[films["split"] == "external"]
    sources = [] if external is None else [one for one in config.SOURCE_TITLES if (external["source"] == one).any()]
    both = None
    if films is not None:
        trained = films["split"].isin(config.TRAINING_SPLITS)
        both = len(set(films.loc[trained, "patient"]) & set(films.loc[~trained, "patient"]))
    called = None if table is None else figures.adults(table, spec.threshold)
    return {
        "paper_title": config.PAPER_TITLE,
        "paper_doi": config.PAPER_DOI,
        "threshold": f"{spec.threshold:g}",
        "base_in_words": recipe.base(spec),
        "sees": recipe.sees(spec),
        "validation_parts": str(dataset.VALIDATION_PARTS),
        "intervals": intervals(table is None or "patient" in table, evaluation.DRAWS),
        "audits": ", ".join(records) or "nothing yet",
        "external_films": unknown if external is None else f"{len(external):,}",
        "external_sources": " and ".join(escape(config.SOURCE_TITLES[one]) for one in sources) or "hospitals",
        "adults_called": counted(called) if called else f"{unknown} the",
        "on_both_sides": "An unknown number of" if both is None else f"{both:,}" if both else "No",
    }


def _details(spec: NetworkSpec) -> list[Table | str]:
    trained = recipe.recipe(spec)
    return [recipe.network(spec), trained or "How it was trained is not recorded."]


def _chosen(trials: Sequence[Mapping[str, Any]], within: Mapping[str, Any] | None) -> tuple[str | Table, ...]:
    table = recipe.left_out(trials)
    return (*([table] if table else []), *recipe.within(within))


def _spent(
    spec: NetworkSpec, trials: Sequence[Mapping[str, Any]], put_aside: Mapping[str, Any] | None
) -> tuple[str | Table, ...]:
    found = recipe.spent(spec, trials, put_aside)
    if not found:
        return ("Not recorded.",)
    rows = tuple(
        (one.what, duration(one.seconds) or "–", str(one.cores), f"about {one.kilowatt_hours:.3f} kWh") for one in found
    )
    table = Table(
        "What was recorded, and what it comes to", ("What", "Time, as recorded", "Cores", "Energy, estimated"), rows
    )
    note = (
        f"The energy is an estimate, not a measurement: time × cores × {recipe.WATTS_A_CORE:g} W a core, "
        f"{recipe.WATTS_SOURCE}. Memory, cooling, and what was not recorded (runs before, features kept from them) are "
        "not in it."
    )
    return table, note


def _counts(films: pd.DataFrame | None, splits: Sequence[str]) -> tuple[str | Table, ...]:
    return ("This copy has no list of films.",) if films is None else (figures.counts(films, splits),)


def _analyses(
    spec: NetworkSpec, table: pd.DataFrame | None, records: Mapping[str, Any]
) -> tuple[str | Table | None, ...]:
    if table is None:
        return (NO_SCORES,)
    order = (*UNSEEN, *config.TRAINING_SPLITS)
    return (
        figures.measures(table, spec.threshold),
        targets.table(table, spec.threshold) if spec.name == registry.default() else None,
        figures.parts(evaluation.parts(table, order), spec.threshold),
        figures.groups(table, spec.threshold),
        figures.calibration(records.get("calibration")),
    )


def _claim(items: Sequence[Mapping[str, Any]]) -> Table:
    rows = tuple((str(one["item"]), one["asks"], one["says"]) for one in items)
    return Table("Items of CLAIM that apply", ("Item", "What it asks", "Here"), rows)


def _list(title: str, lines: Sequence[str]) -> tuple[str, str]:
    return f"**{title}**", bullets(lines)


def _some(line: str | None) -> list[str]:
    return [line] if line else []


# --- A card made of the files that are committed ---


def read(name: str) -> Card:
    """The card of the network `name`; a table that is missing leaves its part out.

    Raises NetworkError, CardError, and ValueError where the scores are damaged.
    """
    spec = network_spec.spec(name, config.NETWORKS)
    try:
        films = dataset.committed()
    except dataset.DataError:
        films = None
    scores = None
    if config.SCORES_CSV.is_file():
        scores = dataset.labelled(dataset.read_scores(config.SCORES_CSV, films))
    trials, within, put_aside = [], None, None
    if name == registry.default():  # they are that network's
        trials, within = _record(config.LEFT_OUT_JSON) or [], _record(config.WITHIN_JSON)
        put_aside = _record(config.PUT_ASIDE_JSON)
    return build(spec, scores, films, trials, within, put_aside, config.NETWORKS, config.AUDIT)


def _record(path: Path) -> Any:
    """A JSON file's content; None where there is no such file."""
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None
