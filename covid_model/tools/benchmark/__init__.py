"""Measure the cost of a prediction relative to the forward pass, to other libraries, and over input size.

`python -m covid_model benchmark` measures on this machine, part by part, and writes the table and the data behind
it to assets/results/benchmark.json, which the page About shows.
"""

from __future__ import annotations

from covid_model.tools.benchmark.run import PARTS, run
from covid_model.tools.benchmark.subject import Subject

__all__ = ["PARTS", "Subject", "run"]
