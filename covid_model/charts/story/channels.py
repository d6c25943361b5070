"""Grad-CAM's weights: one a feature map."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from covid_model.charts import style


def channel_weights(weights: np.ndarray, marked: Sequence[int], height: int = 220, ink: str | None = None) -> go.Figure:
    """All weights (channels,) as thin columns over the maps' numbers; the `marked` maps have a point."""
    columns = {
        "type": "bar",
        "x": np.arange(weights.size),
        "y": weights,
        "marker": {"color": [style.COVID_COLOUR if one > 0 else style.OTHER_COLOUR for one in weights]},
        "hovertemplate": "map %{x}: %{y:.2e}<extra></extra>",
        "showlegend": False,
    }
    points = {
        "type": "scatter",
        "mode": "markers",
        "x": list(marked),
        "y": [float(weights[at]) for at in marked],
        "marker": {"symbol": "diamond", "size": 9, "color": ink or style.GREY},
        "hovertemplate": "map %{x}: %{y:.2e}<extra></extra>",
        "showlegend": False,
    }
    limits = (-0.02 * weights.size, 1.02 * weights.size)
    return style.figure(
        height,
        ink,
        [columns, points],
        bargap=0,
        xaxis=style.axis("feature map", limits, ink, showgrid=False),
        yaxis=style.axis("weight", None, ink, exponentformat="power"),
    )


def channel_weights_alt(weights: np.ndarray) -> str:
    """The weights in a sentence."""
    return (
        f"Grad-CAM's weights of {weights.size} feature maps: {int((weights > 0).sum())} speak for COVID-19, "
        f"{int((weights < 0).sum())} against. The maps shown below are marked."
    )
