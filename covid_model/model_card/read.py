"""A card made of the files that are committed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from covid_model import dataset, network, registry, settings
from covid_model.model_card.build import build
from covid_model.model_card.section import Card


def read(name: str) -> Card:
    """The card of the network `name`; a table that is missing leaves its part out.

    Raises NetworkError, CardError, and ValueError where the scores are damaged.
    """
    spec = network.spec(name, settings.NETWORKS)
    try:
        films = dataset.committed()
    except dataset.DataError:
        films = None
    scores = None
    if settings.SCORES_CSV.is_file():
        scores = dataset.labelled(dataset.read_scores(settings.SCORES_CSV, films))
    trials, within, put_aside = [], None, None
    if name == registry.default():  # they are that network's
        trials, within = _record(settings.LEFT_OUT_JSON) or [], _record(settings.WITHIN_JSON)
        put_aside = _record(settings.PUT_ASIDE_JSON)
    return build(spec, scores, films, trials, within, put_aside, settings.NETWORKS, settings.AUDIT)


def _record(path: Path) -> Any:
    """A JSON file's content; None where there is no such file."""
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None
