"""The experiments a critic would ask for, one per file: each is a function from a context to plain figures.

`python -m covid_model audit` runs them and writes their records into assets/results/audit, from where
`records.load_experiment` reads them.
"""

from __future__ import annotations

from covid_model.experiments.context import ExperimentContext, ExperimentError
from covid_model.experiments.run import EXPERIMENTS, run

__all__ = ["EXPERIMENTS", "ExperimentContext", "ExperimentError", "run"]
