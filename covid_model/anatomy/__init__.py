"""A network taken apart: its graph, what each layer makes of one film, how score, loss and Grad-CAM come about.

`walk` carries a film through once and keeps what there is to show; the other rooms are maths on what it keeps.
"""

from __future__ import annotations

from covid_model.anatomy.graph import Block, Layer, blocks
from covid_model.anatomy.head import HeadNumbers
from covid_model.anatomy.loss import loss, slope
from covid_model.anatomy.maps import GradCam, Maps
from covid_model.anatomy.preparation import Step, preparation
from covid_model.anatomy.walk import Walk, walk

__all__ = [
    "Block",
    "GradCam",
    "HeadNumbers",
    "Layer",
    "Maps",
    "Step",
    "Walk",
    "blocks",
    "loss",
    "preparation",
    "slope",
    "walk",
]
