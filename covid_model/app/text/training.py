"""Training runs as tables: Table 2, beside what the paper says of its own, and runs compared. No streamlit in here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from covid_model import config
from covid_model.formatting import duration
from covid_model.model.network_spec import IMAGENET, NetworkSpec
from covid_model.records import Comparison

PAPER = "The paper"
HERE = "This network"


def rows(spec: NetworkSpec) -> pd.DataFrame:
    """One row a fact, as text; what neither the paper nor the network's JSON says has no row.

    Both networks' JSON keep what was chosen in `recipe` (or in its `ours`), and what came of it in `training`.
    """
    recipe = spec.recipe.get("ours") if isinstance(spec.recipe.get("ours"), Mapping) else spec.recipe
    done = spec.training
    table = {
        "Base": ("VGG-19, frozen", "VGG-19, frozen" if spec.base == IMAGENET else "VGG-19, every layer trained"),
        "Head": (
            "two fully-connected layers",
            f"{spec.head.pooling}, {spec.head.units} units, dropout {spec.head.dropout:g}, one unit",
        ),
        "Loss": ("binary cross-entropy", "binary cross-entropy"),
        "Optimiser": (None, recipe.get("optimizer")),
        "Learning rate": (None, _number(recipe.get("learning_rate"))),
        "Films a step": (None, _number(recipe.get("batch"))),
        "Epochs": (str(config.PAPER_EPOCHS), _epochs(recipe)),
        "Steps": (None, _steps(recipe)),
        "Training films": (_films(*config.PAPER_TRAIN), _films(done.get("films"), done.get("covid"))),
        "Validation films": (None, _number(done.get("validation"))),
        "Jitter": (None, _jitter(recipe.get("jitter"))),
        "Copies of a film": (None, _number(recipe.get("copies"))),
        "Training took": (None, duration(done.get("seconds"))),
        "Features took": (None, duration(done.get("feature_seconds"))),
        "Precision": (None, done.get("precision")),
        "Processor": (None, _machine(done.get("machine"))),
    }
    known = {name: pair for name, pair in table.items() if any(pair)}
    return pd.DataFrame(
        {PAPER: [pair[0] or "–" for pair in known.values()], HERE: [pair[1] or "–" for pair in known.values()]},
        index=list(known),
    )


def tried(spec: NetworkSpec) -> tuple[list[dict[str, float]], pd.DataFrame]:
    """The history of the setting taken, with films held out, and all settings tried, a row each; empty if unknown."""
    candidates = spec.recipe.get("candidates")
    if not isinstance(candidates, list) or not all(isinstance(one, Mapping) for one in candidates):
        return [], pd.DataFrame()
    history = next((one["history"] for one in candidates if isinstance(one.get("history"), list)), [])
    table = []
    for one in candidates:
        head = one.get("head") if isinstance(one.get("head"), Mapping) else {}
        table.append(head | {key: value for key, value in one.items() if key not in ("head", "history")})
    return history, pd.DataFrame(table).rename(columns=lambda name: name.replace("_", " "))


def ends(made: Comparison, key: str, title: str) -> pd.DataFrame:
    """One row a run: what it came to in its last record by the measure `key`, called `title`, and its time."""
    table = {
        name: {
            title: _share(history[-1].get(key), key),
            "Processor time": duration(made.processor_seconds.get(name)) or "–",
        }
        for name, history in made.runs.items()
    }
    return pd.DataFrame.from_dict(table, orient="index")


def shared(made: Comparison) -> str | None:
    """What the runs have in common, in a few sentences, as plain text; None where it was not kept."""
    about = made.about
    try:
        films, covid, looked_at, sources = (about[key] for key in ("films", "covid", "validation", "sources"))
        size, epochs = about["preprocessing"]["size"], about["epochs"]
    except (KeyError, TypeError):
        return None
    said = (
        f"Each run: {films:,} films of {len(sources)} sources, {covid:,} of them COVID-19, {size} × {size} pixels, "
        f"{epochs} epochs; looked at on {looked_at:,} films of other patients. Small, to be run in minutes: the "
        "networks of this demo saw more and larger films."
    )
    machine = _machine(about.get("machine"))
    return f"{said} Processor: {machine}." if machine else said


def _share(value: object, key: str) -> str:
    """A figure of a run: accuracies in percent, others as they are."""
    if not isinstance(value, int | float):
        return "–"
    return f"{100 * value:.1f} %" if "accuracy" in key else f"{value:.3f}"


def _number(value: object) -> str | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return f"{value:,}" if isinstance(value, int) else f"{value:g}"


def _epochs(recipe: Mapping[str, Any]) -> str | None:
    return "counted in steps" if "steps" in recipe and "epochs" not in recipe else _number(recipe.get("epochs"))


def _steps(recipe: Mapping[str, Any]) -> str | None:
    """The steps of a run; of one in stages, all of them and each stage's own."""
    stages = recipe.get("stages_before")
    parts = [one.get("steps") for one in stages if isinstance(one, Mapping)] if isinstance(stages, list) else []
    parts.append(recipe.get("steps"))
    if len(parts) == 1 or not all(isinstance(one, int) for one in parts):
        return _number(recipe.get("steps"))
    return f"{sum(parts):,}, in {len(parts)} stages: {', then '.join(f'{one:,}' for one in parts)}"


def _films(films: object, covid: object) -> str | None:
    if not isinstance(films, int | float):
        return None
    return f"{int(films):,}, of them {int(covid):,} COVID-19" if isinstance(covid, int | float) else f"{int(films):,}"


def _jitter(jitter: object) -> str | None:
    """Which changes films were put through in training."""
    if not isinstance(jitter, Mapping):
        return None
    return ", ".join(str(name).replace("_", " ") for name, value in jitter.items() if value and name != "each") or None


def _machine(machine: Any) -> str | None:
    if not isinstance(machine, Mapping):
        return str(machine) if machine else None
    cores = machine.get("cores")
    parts = [machine.get("processor"), f"{cores} cores" if cores else None]
    return ", ".join(str(part) for part in parts if part) or None
