"""What a positive, or a negative, is worth over the share of COVID-19 among the people filmed."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import plotly.graph_objects as go

from covid_model.charts import style
from covid_model.evaluation import Band

_TICKS = (0.001, 0.01, 0.1, 0.5, 1)
_ENDS = (0.0008, 1.1)  # of the axis, a little beyond the first and the last tick


def predictive_value(
    prevalence: np.ndarray,
    values: Mapping[str, Band],
    at: float,
    own: float | None = None,
    title: str = "",
    height: int = 300,
    ink: str | None = None,
) -> go.Figure:
    """PPV or NPV of each network over prevalence, with intervals.

    Args:
        prevalence: (n,) in (0, 1], drawn on a log scale.
        values: (n,) each, by network.
        at: the prevalence that is set, a line across.
        own: that of the films themselves, a fainter line.
        title: of the axis upward.
    """
    traces = []
    for number, (name, value) in enumerate(values.items()):
        colour, dash = style.network(number)
        traces.append(style.ribbon(prevalence, value.low, value.high, colour))
        traces.append(
            {
                "type": "scatter",
                "x": prevalence,
                "y": value.value,
                "mode": "lines",
                "name": name,
                "line": {"color": colour, "width": 2.5, "dash": dash},
                "customdata": np.stack([value.low, value.high], axis=1),
                "hovertemplate": "at %{x:.1%}: %{y:.1%} (%{customdata[0]:.1%} to %{customdata[1]:.1%})"
                f"<extra>{name}</extra>",
            }
        )
    lines = [style.line(at, 0, at, 1, "solid", 2, ink or style.GREY)]
    notes = [style.note(float(np.log10(at)), 1, f"<b>{style.percent(at)}</b>", ink, yanchor="bottom")]
    if own:
        lines.append(style.line(own, 0, own, 1))
        notes.append(_beside(own, at, f"these films {style.percent(own)}", ink))
    ends = tuple(np.log10(_ENDS))
    return style.figure(
        height,
        ink,
        traces,
        showlegend=len(values) > 1,
        legend=style.LEGEND_ABOVE,
        shapes=lines,
        annotations=notes,
        xaxis=style.axis("share who have COVID-19", ends, ink, type="log", tickvals=_TICKS, tickformat=".3~%"),
        yaxis=style.axis(title, (-0.02, 1.1), ink, tickformat=".0%", dtick=0.25),
    )


def _beside(x: float, other: float, text: str, ink: str | None) -> dict:
    """Words at the foot of the line at x, on the side away from the line at `other`."""
    left = x < other
    place = {"xanchor": "right" if left else "left", "xshift": -4 if left else 4, "yanchor": "bottom"}
    return style.note(float(np.log10(x)), 0, text, ink, **place)


def predictive_value_alt(prevalence: np.ndarray, values: Mapping[str, Band], at: float, kind: str) -> str:
    """What the curves say at the prevalence that is set, in a sentence."""
    place = int(np.abs(prevalence - at).argmin())
    parts = [f"{name} {style.percent(_known(value.value[place]))}" for name, value in values.items()]
    return f"{kind} over the share who have COVID-19; at {style.percent(at)}: {'; '.join(parts)}."


def _known(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
