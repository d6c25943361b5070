"""Figures of the page that explains a network: its drawing, the head's sum, the loss, Tables 1 and 2 as plots."""

from __future__ import annotations

from covid_model.charts.story.channels import channel_weights, channel_weights_alt
from covid_model.charts.story.drawing import clicked_block, drawing, drawing_alt
from covid_model.charts.story.logit import logit_parts, logit_parts_alt
from covid_model.charts.story.loss import loss_curve, loss_curve_alt
from covid_model.charts.story.models import models, models_alt
from covid_model.charts.story.run import comparison, comparison_alt, run, run_alt

__all__ = [
    "channel_weights",
    "channel_weights_alt",
    "clicked_block",
    "comparison",
    "comparison_alt",
    "drawing",
    "drawing_alt",
    "logit_parts",
    "logit_parts_alt",
    "loss_curve",
    "loss_curve_alt",
    "models",
    "models_alt",
    "run",
    "run_alt",
]
