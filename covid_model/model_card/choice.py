"""What the recipe of the network that ships was chosen by: sources left out, and classes told apart within a source."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from covid_model import settings
from covid_model.model_card.section import Table, escape
from covid_model.phrases import decimal

BASES = {"imagenet": "ImageNet's weights", "random": "random weights, nothing learnt"}


def left_out(trials: Sequence[Mapping[str, Any]]) -> Table | None:
    """Every trial without a source, and how well it told that source's films apart; None where none was made."""
    rows = []
    for trial in trials:
        last = trial["history"][-1]
        source = trial["left out"]
        what = f"learning rate {trial['learning_rate']:g}" if "learning_rate" in trial else "the recipe's learning rate"
        what += ", without the second question" if trial.get("auxiliary") == 0 else ""
        what += f", {last['step']} steps at {trial['size']} px"
        what += f", stopped {escape(trial['stopped'])}" if "stopped" in trial else ""
        title = escape(settings.SOURCE_TITLES.get(source, source))
        rows.append((title, what, f"{trial['films']:,}", decimal(last[f"auc {source}"])))
    columns = ("Source left out", "Trial", "Its films looked at", "AUC on them")
    return Table("Trials of the recipe with one source left out", columns, tuple(rows)) if rows else None


def within(record: Mapping[str, Any] | None) -> tuple[Table | str, ...]:
    """How well the classes of one source can be told apart at all, and what that says; nothing without a record."""
    if record is None:
        return ()
    title = escape(settings.SOURCE_TITLES.get(record["source"], record["source"]))
    rows = tuple(
        (BASES.get(base, escape(base)), *(f"{decimal(one['auc'])} ± {decimal(one['spread'])}" for one in found))
        for base, found in record["bases"].items()
    )
    penalties = [one["penalty"] for one in next(iter(record["bases"].values()))]
    table = Table(
        f"AUC within {title}, {record['folds']}-fold by patient, {record['repeats']} times",
        ("Frozen base, linear head", *(f"C = {penalty:g}" for penalty in penalties)),
        rows,
    )
    best = {base: max(one["auc"] for one in found) for base, found in record["bases"].items()}
    others = record["films"] - record["covid"]
    note = (
        f"{title} is the only source of training that names its patients and has films of both kinds: "
        f"{record['covid']} of COVID-19 and {others} others ({record['ill_otherwise']} of them show something else), "
        f"of {record['patients']} patients. Nothing there can be told by the source. "
    )
    if {"imagenet", "random"} <= set(best):
        better = best["imagenet"] - best["random"]
        note += (
            f"The AUC comes to {decimal(best['imagenet'])} at best with ImageNet's weights and to "
            f"{decimal(best['random'])} with random ones"
            + (": pretraining adds nothing there." if better < _spread(record) else ".")
        )
    return table, note


def _spread(record: Mapping[str, Any]) -> float:
    """The largest standard deviation in a record: differences below it mean nothing."""
    return max(one["spread"] for found in record["bases"].values() for one in found)
