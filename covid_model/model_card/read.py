"""A card made of the files that are committed."""

from __future__ import annotations

import json

import pandas as pd

from covid_model import dataset, network, settings
from covid_model.model_card.build import build
from covid_model.model_card.section import Card


def read(name: str) -> Card:
    """The card of the network `name`; a table that is missing leaves its part out.

    Raises NetworkError, CardError, and ValueError where the scores are damaged.
    """
    spec = network.spec(name, settings.NETWORKS)
    scores = pd.read_csv(settings.SCORES_CSV, dtype={"id": str}) if settings.SCORES_CSV.is_file() else None
    try:
        films = dataset.committed()
    except dataset.DataError:
        films = None
    trials = []
    if name == settings.DEFAULT_NETWORK and settings.LEFT_OUT_JSON.is_file():  # they are that network's
        trials = json.loads(settings.LEFT_OUT_JSON.read_text(encoding="utf-8"))
    return build(spec, scores, films, trials, settings.NETWORKS, settings.AUDIT)
