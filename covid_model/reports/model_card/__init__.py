"""Model cards (Mitchell et al. 2019) with the items of CLAIM (Mongan et al. 2020) that they leave open.

The text is in assets/networks/card.json. Every figure is computed from a network's JSON, the scores, the list of films
or an experiment's record. The page About shows a card, and `python -m covid_model card` prints it.
"""

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
from covid_model.model import readings, registry
from covid_model.model.registry import NetworkSpec
from covid_model.reports.model_card import figures, goals, recipe, trials
from covid_model.reports.model_card.recipe import WATTS_A_CORE
from covid_model.reports.model_card.sentences import (
    Card,
    CardError,
    Section,
    Table,
    bullets,
    escape,
    fill,
    load,
    markdown,
)

UNSEEN = tuple(split for split in config.SPLITS if split not in config.TRAINING_SPLITS)
NO_SCORES = "This copy has no scores of this network, so the figures are missing here."


def build(
    spec: NetworkSpec,
    scores: pd.DataFrame | None,
    films: pd.DataFrame | None,
    about: Mapping[str, Any] | None = None,
    networks: Path | None = None,
    audits: Path | None = None,
) -> Card:
    """Return the card of one network. If data is missing, the card says so.

    Args:
        spec: The network.
        scores: assets/results/scores.csv, all networks; None if it is missing.
        films: The list of films by id; None if it is missing, and intervals are then by film.
        about: Further records of this network, as far as there are any (see `read`): `trials`, `validation` (trials,
            too), `within`, `benchmark`, and `readings`, the scores of the sample films.
        networks: Folder of the text. Defaults to `config.NETWORKS`.
        audits: Folder of the experiments' records. Defaults to `config.AUDIT`.

    Raises:
        CardError: The text is missing or damaged.
        ValueError: A score is not a number in [0, 1].
    """
    about = about or {}
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
    values = _values(spec, table, films, records)
    values |= fill({"threshold_set": own.get("threshold", "How it was chosen is not recorded.")}, values)
    prose = fill(raw, values)
    own = prose["networks"].get(spec.name, {})

    use, factors, metrics = prose["intended_use"], prose["factors"], prose["metrics"]
    sections = [
        Section(
            "Model details",
            (bullets(prose["details"]), *_details(spec), own.get("recipe", ""), recipe.last_stage(spec)),
        ),
        *([Section("What was tried", tried)] if (tried := _tried(about)) else []),
        Section("Time and energy", _spent(spec, about.get("trials"), about.get("validation"))),
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
        Section("Evaluation data", (bullets(prose["evaluation_data"]),)),
        Section("Training data", (bullets(prose["training_data"]), *_counts(films))),
        Section("Quantitative analyses", _analyses(spec, table, records, about)),
        Section("Ethical considerations", (bullets(prose["ethics"]),)),
        Section("Caveats and recommendations", (bullets([*own.get("caveats", ()), *prose["caveats"]]),)),
        Section("CLAIM", ("Items of CLAIM that the sections above leave open:", _claim(prose["claim"]))),
    ]
    head = f"`{spec.name}`. {escape(spec.summary)} After {' and '.join(prose['sources'])}."
    kept = tuple(Section(section.title, tuple(filter(None, section.parts))) for section in sections)
    return Card(spec.name, escape(spec.title), head, kept)


def _values(
    spec: NetworkSpec, table: pd.DataFrame | None, films: pd.DataFrame | None, records: Mapping[str, Any]
) -> dict[str, str]:
    """Return the values of the {names} in the text."""
    unknown = "an unknown number of"
    both = None
    if films is not None:
        trained = films["split"].isin(config.TRAINING_SPLITS)
        both = len(set(films.loc[trained, "patient"]) & set(films.loc[~trained, "patient"]))
    adults = None if table is None else figures.adults(table, spec.threshold)
    trained_on, reported = figures.disputed(films)
    return {
        "paper_title": config.PAPER_TITLE,
        "paper_doi": config.PAPER_DOI,
        "threshold": f"{spec.threshold:g}",
        "validation_parts": str(dataset.VALIDATION_PARTS),
        "intervals": intervals(table is None or "patient" in table, evaluation.DRAWS),
        "adults_called": counted(adults) if adults else f"{unknown} the",
        "operating_point": figures.operating_point(table, spec.threshold) or "how many is not recorded",
        "disputed_trained": unknown if trained_on is None else f"{trained_on:,}",
        "disputed_reported": unknown if reported is None else f"{reported:,}",
        "on_both_sides": "An unknown number of" if both is None else f"{both:,}" if both else "No",
    }


def _details(spec: NetworkSpec) -> list[Table | str]:
    trained = recipe.recipe(spec)
    return [recipe.network(spec), trained or "How it was trained is not recorded."]


def _tried(about: Mapping[str, Any]) -> tuple[str | Table, ...]:
    tried = trials.tried(about.get("trials"), about.get("validation"))
    return tuple(filter(None, (*tried, trials.within(about.get("within")))))


def _spent(
    spec: NetworkSpec, without: Mapping[str, Any] | None, validation: Mapping[str, Any] | None
) -> tuple[str | Table, ...]:
    costs = recipe.spent(spec, without, validation)
    if not costs:
        return ("Not recorded.",)
    rows = tuple(
        (cost.title, duration(cost.seconds) or "–", str(cost.cores), f"about {cost.kilowatt_hours:.3f} kWh")
        for cost in costs
    )
    table = Table(
        "Recorded time and estimated energy", ("Step", "Time (recorded)", "Cores", "Energy (estimated)"), rows
    )
    note = (
        f"The energy is an estimate, not a measurement: time × cores × {recipe.WATTS_A_CORE:g} W per core, "
        f"{recipe.WATTS_SOURCE}, without memory, cooling and earlier runs."
    )
    return table, note


def _counts(films: pd.DataFrame | None) -> tuple[str | Table, ...]:
    order = (*config.TRAINING_SPLITS, *UNSEEN)
    return ("This copy has no list of X-rays.",) if films is None else (figures.counts(films, order),)


def _analyses(
    spec: NetworkSpec, table: pd.DataFrame | None, records: Mapping[str, Any], about: Mapping[str, Any]
) -> tuple[str | Table | None, ...]:
    if table is None:
        return (NO_SCORES,)
    return (
        figures.measures(table, spec.threshold),
        goals.table(spec.name, table, spec.threshold, {**records, **about}),
        figures.parts(evaluation.parts(table, UNSEEN), spec.threshold),
        figures.groups(table, spec.threshold),
        figures.calibration(records.get("calibration")),
    )


def _claim(items: Sequence[Mapping[str, Any]]) -> str:
    """Return the items of CLAIM to which the other sections give no answer, or not a whole one."""
    return bullets(f"**{item['item']}, {item['asks'].lower()}.** {item['says']}" for item in items)


def _list(title: str, lines: Sequence[str]) -> tuple[str, str]:
    return f"**{title}**", bullets(lines)


def _some(line: str | None) -> list[str]:
    return [line] if line else []


def read(name: str) -> Card:
    """Return the card of the network `name` from the files in assets/.

    Raises:
        NetworkError: There is no such network, or its JSON is damaged.
        CardError: The text of the cards is missing or damaged.
        ValueError: The scores are damaged.
    """
    spec = registry.spec(name, config.NETWORKS)
    try:
        films = dataset.committed()
    except dataset.DataError:
        films = None
    scores = None
    if config.SCORES_CSV.is_file():
        scores = dataset.labeled(dataset.read_scores(config.SCORES_CSV, films))
    about = {"readings": readings.load(spec).scores()}
    if name == registry.default():  # these records are about the default network
        paths = {
            "trials": config.TRIALS_JSON,
            "within": config.WITHIN_JSON,
            "validation": config.VALIDATION_TRIALS_JSON,
        }
        about |= {key: _record(path) for key, path in paths.items()}
    if (benchmark := records_module.load_benchmark()) and _is_of(benchmark["parts"].get("precision"), spec):
        about["benchmark"] = benchmark
    if not _is_of((about.get("validation") or {}).get("about"), spec):
        about["validation"] = None
    return build(spec, scores, films, about, config.NETWORKS, config.AUDIT)


def _is_of(record: Mapping[str, Any] | None, spec: NetworkSpec) -> bool:
    """Return whether a record was made with a network's weights of today."""
    return bool(record) and record.get("weights_sha256") == spec.sha256


def _record(path: Path) -> Any:
    """Return the content of a JSON file; None if there is no such file."""
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None
