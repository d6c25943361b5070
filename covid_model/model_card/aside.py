"""A further stage of training that was not taken: what the validation films said of it, and what it would have done."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from covid_model.model_card import goals
from covid_model.model_card.section import Table
from covid_model.network import NetworkSpec
from covid_model.phrases import decimal

LOOKED_AT = {  # at validation films, after the last step
    "val_loss": "Loss",
    "val_auc": "AUC, all sources together",
    "within": "AUC within a source, mean over sources with both classes",
}


def told(spec: NetworkSpec, record: Mapping[str, Any], scores: pd.DataFrame | None) -> tuple[str | Table, ...]:
    """Why the stage was put aside, and the goals beside what came with and without it.

    Args:
        spec: the network that ships.
        record: assets/results/put_aside.json: the stage's recipe, its history, its scores of the reported films
            (those of training have none).
        scores: the network's own scores by film id, as `goals.table` wants them; None where they are missing.
    """
    recipe, last = record["recipe"], record["history"][-1]
    text = (
        f"A further stage went on from this network for {recipe['steps']:,} batches, the first "
        f"{recipe['frozen_blocks']} of VGG-19's blocks at rest, the group drawn least at "
        f"{100 * min(recipe['shares'].values()):g} % of a batch. On the validation films the loss rose and the AUC "
        "over all of them did not; only the AUC within sources rose a little. So it was put aside. Its scores of the "
        "reported films had been made by then and were seen; they are told here."
    )
    rows = tuple(
        (words, decimal(spec.history[-1][key]), decimal(last[key]))
        for key, words in LOOKED_AT.items()
        if spec.history and key in spec.history[-1] and key in last
    )
    looked = Table("What the validation films said", ("Validation films", "The network that ships", "Put aside"), rows)
    reached = None if scores is None else _reached(spec, record["scores"], scores)
    return tuple(part for part in (text, looked if rows else None, reached) if part is not None)


def _reached(spec: NetworkSpec, found: Mapping[str, float], scores: pd.DataFrame) -> Table | None:
    """The goals, what came, and what came of the stage put aside; None where a goal's films have no scores."""
    theirs = scores.assign(score=pd.Series(found, dtype=float)).dropna(subset="score")
    pair = goals.table(scores, spec.threshold), goals.table(theirs, spec.threshold)
    if None in pair:
        return None
    beside = zip(pair[0].rows, pair[1].rows, strict=True)
    rows = tuple((what, bound, own, other) for (what, bound, own, _), (_, _, other, _) in beside)
    columns = ("Films and measure", "Aimed at", "The network that ships", "Put aside")
    return Table(f"What it would have reached, at {spec.threshold:g}", columns, rows)
