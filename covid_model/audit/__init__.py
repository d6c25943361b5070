"""The evidence behind the score: experiments that a critic would ask for, one a file, each a function to plain figures.

`python -m covid_model audit` makes them and leaves their records in assets/results/audit; pages read those by
`audit.load`. On the film in hand: `audit.spread`, how far its score moves under changes that must not matter.
"""

from __future__ import annotations

from covid_model.audit.case import AuditError, Case
from covid_model.audit.robustness import Spread, spread
from covid_model.audit.run import EXPERIMENTS, load, path_of, run

__all__ = ["EXPERIMENTS", "AuditError", "Case", "Spread", "load", "path_of", "run", "spread"]
