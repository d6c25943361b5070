"""Model cards (Mitchell et al. 2019) with the items of CLAIM (Mongan et al. 2020) that apply.

The text is in assets/networks/card.json. Every figure is computed from a network's JSON, the scores, the list of films
or an experiment's record. The page About shows a card, and `python -m covid_model card` prints it.
"""

from __future__ import annotations

from covid_model.reports.model_card.build import build, read
from covid_model.reports.model_card.prose import PROSE, Card, CardError, Section, Table, markdown
from covid_model.reports.model_card.recipe import WATTS_A_CORE

__all__ = ["PROSE", "WATTS_A_CORE", "Card", "CardError", "Section", "Table", "build", "markdown", "read"]
