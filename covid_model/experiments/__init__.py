"""The evidence behind the score: experiments that a critic would ask for, one a file, each a function to plain figures.

`python -m covid_model audit` makes them and leaves their records in assets/results/audit; pages read those by
`audit.load`. On the film in hand: `audit.spread`, how far its score moves under changes that must not matter.
"""

from __future__ import annotations

from covid_model.experiments.context import ExperimentContext, ExperimentError
from covid_model.experiments.run import EXPERIMENTS, run

__all__ = ["EXPERIMENTS", "ExperimentContext", "ExperimentError", "run"]
