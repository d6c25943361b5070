"""What the units of the dense layer add to a film's logit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import plotly.graph_objects as go

from covid_model.charts import style

if TYPE_CHECKING:
    from covid_model.anatomy import HeadNumbers

UNITS = 8  # shown one by one


def logit_parts(head: HeadNumbers, units: int = UNITS, height: int = 340, ink: str | None = None) -> go.Figure:
    """A staircase from 0 to the logit: the units that move it most, all others together, the bias, the sum."""
    names, parts = _parts(head, units)
    starts, total = [], 0.0
    for part in parts:
        starts.append(total)
        total += part
    colours = [style.COVID_COLOUR if part > 0 else style.OTHER_COLOUR for part in parts]
    ends = [start + part for start, part in zip(starts, parts, strict=True)]
    bars = {
        "type": "bar",
        "orientation": "h",
        "y": [*names, "<b>logit</b>"],
        "x": [*parts, head.logit],
        "base": [*starts, 0],
        "text": [*(f"{round(part, 3) + 0.0:+.3f}" for part in parts), f"<b>{head.logit:+.3f}</b>"],
        "textposition": "outside",
        "cliponaxis": False,
        "marker": {"color": [*colours, ink or style.GREY]},
        "hovertemplate": "%{y}: %{text}<extra></extra>",
    }
    low, high = min(0.0, head.logit, *ends), max(0.0, head.logit, *ends)
    air = 0.3 * ((high - low) or 1)
    return style.figure(
        height,
        ink,
        [bars],
        showlegend=False,
        bargap=0.25,
        shapes=[style.line(0, -0.6, 0, len(names) + 0.6, "solid")],
        xaxis=style.axis("so far", (low - air, high + air), ink),
        yaxis=style.axis("", None, ink, autorange="reversed", showgrid=False),
    )


def _parts(head: HeadNumbers, units: int) -> tuple[list[str], list[float]]:
    chosen = head.largest(units)
    parts = [float(head.parts[unit]) for unit in chosen]
    rest = float(head.parts.sum()) - sum(parts)
    others = head.active - len(chosen)
    names = [f"unit {unit}" for unit in chosen]
    if others > 0:
        names.append(f"{others} other units")
        parts.append(rest)
    return [*names, "bias"], [*parts, head.bias]


def logit_parts_alt(head: HeadNumbers) -> str:
    """The sum in a sentence."""
    return (
        f"What the units add to the logit: {head.ups:+.3f} by those that raise it, {head.downs:+.3f} by those that "
        f"lower it and {head.bias:+.3f} by the bias come to {head.logit:+.3f}."
    )
