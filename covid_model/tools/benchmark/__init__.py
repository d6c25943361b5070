"""What reading a film costs, against the bare network, other libraries and itself in other ways.

`python -m covid_model benchmark` measures on the machine at hand, one part a file, and leaves the table and what is
behind it in assets/results/benchmark.json, which the page About shows.
"""

from __future__ import annotations

from covid_model.tools.benchmark.run import PARTS, run
from covid_model.tools.benchmark.subject import Subject

__all__ = ["PARTS", "Subject", "run"]
