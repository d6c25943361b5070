"""Table 1 as a plot: what the parameters of pretrained networks buy."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import plotly.graph_objects as go

from covid_model.charts import style

if TYPE_CHECKING:
    from covid_model.pretrained import Pretrained

_SYMBOLS = ("circle", "square", "triangle-up", "pentagon", "triangle-down", "star", "cross", "hexagon", "x")


def models(found: Sequence[Pretrained], marked: str, height: int = 420, ink: str | None = None) -> go.Figure:
    """Accuracy over millions of parameters (a log scale); a shape a family, `marked` (a name) large and labelled."""
    families = list(dict.fromkeys(one.family for one in found))
    traces = []
    for at, family in enumerate(families):
        its = [one for one in found if one.family == family and one.name != marked]
        traces.append(
            {
                "type": "scatter",
                "mode": "markers",
                "name": family,
                "x": [one.millions for one in its],
                "y": [one.top1 for one in its],
                "text": [_hover(one) for one in its],
                "marker": {"symbol": _SYMBOLS[at % len(_SYMBOLS)], "size": 10, "color": _colour(at)},
                "hovertemplate": "%{text}<extra></extra>",
            }
        )
    notes = []
    for one in found:
        if one.name == marked:
            look = {"color": style.COVID_COLOUR, "symbol": "diamond-open", "size": 18}  # its neighbours show through
            traces.append(
                {
                    "type": "scatter",
                    "mode": "markers",
                    "name": f"{one.name}, used here",
                    "x": [one.millions],
                    "y": [one.top1],
                    "text": [_hover(one)],
                    "marker": look | {"line": {"width": 3}},
                    "hovertemplate": "%{text}<extra></extra>",
                }
            )
            place = {"xref": "x", "yref": "y", "xanchor": "right", "yanchor": "bottom", "yshift": 8, "xshift": 6}
            notes.append(style.note(_log10(one.millions), one.top1, f"<b>{one.name}</b>", ink, 13, **place))
    ticks = [3, 5, 10, 20, 50, 100]
    return style.figure(
        height,
        ink,
        traces,
        annotations=notes,
        legend={"orientation": "h", "x": 0, "y": -0.2, "yanchor": "top"},
        xaxis=style.axis("million parameters", None, ink, type="log", tickvals=ticks, ticktext=[str(t) for t in ticks]),
        yaxis=style.axis("top-1 accuracy, %", None, ink),
    )


def _log10(value: float) -> float:
    """Where a note stands on a log axis."""
    return math.log10(value)


def _colour(at: int) -> str:
    colours = [colour for colour in style.LINE_COLOURS if colour != style.COVID_COLOUR]
    return style.faded(colours[at % len(colours)], 0.85)


def _hover(one: Pretrained) -> str:
    return f"<b>{one.name}</b><br>top-1 {one.top1:.1f} %<br>{one.millions:g} million parameters<br>{one.megabytes} MB"


def models_alt(found: Sequence[Pretrained], marked: str) -> str:
    """The plot's point in a sentence."""
    one = next(model for model in found if model.name == marked)
    better = [other for other in found if other.top1 > one.top1 and other.millions < one.millions]
    return (
        f"Accuracy on ImageNet over parameters of {len(found)} pretrained networks. {marked} has {one.millions:g} "
        f"million parameters and {one.top1:.1f} % top-1; {len(better)} of the others are more accurate with fewer."
    )
