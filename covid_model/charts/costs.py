"""What each threshold costs, and where the cheapest one stands."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import plotly.graph_objects as go

from covid_model.charts import style
from covid_model.evaluation import Costs
from covid_model.evaluation.wards import PER

BEST = "cheapest"
_SYMBOLS = ("square", "triangle-up", "x", "pentagon")  # of thresholds that are marked beside the best one
_ABOVE = 1.6  # times the cheaper of always "no" and always "yes": what costs more leaves the figure


def cost_curve(
    networks: Mapping[str, Costs], marks: Mapping[str, float], height: int = 340, ink: str | None = None
) -> go.Figure:
    """Cost a thousand films over the threshold, with intervals, one line a network.

    Args:
        marks: thresholds to mark beside the cheapest one, by what they are called.
    """
    traces = []
    for number, (name, costs) in enumerate(networks.items()):
        colour, dash = style.network(number)
        cost, low, high = (PER * part for part in (costs.cost.value, costs.cost.low, costs.cost.high))
        traces.append(style.ribbon(costs.thresholds, low, high, colour))
        traces.append(
            {
                "type": "scatter",
                "x": costs.thresholds,
                "y": cost,
                "mode": "lines",
                "name": name,
                "line": {"color": colour, "width": 2.5, "dash": dash},
                "hovertemplate": "threshold %{x:.2f}: %{y:.1f}<extra>" + name + "</extra>",
            }
        )
        stand = {BEST: (costs.best.value, "diamond")}
        stand |= {label: (at, _SYMBOLS[place % len(_SYMBOLS)]) for place, (label, at) in enumerate(marks.items())}
        for label, (at, symbol) in stand.items():
            traces.append(
                {
                    "type": "scatter",
                    "x": [at],
                    "y": [cost[np.abs(costs.thresholds - at).argmin()]],
                    "mode": "markers",
                    "name": label,
                    "legendgroup": label,
                    "showlegend": number == 0,
                    "marker": {
                        "symbol": symbol,
                        "size": 14,
                        "color": colour,
                        "line": {"color": "white", "width": 1.5},
                    },
                    "hovertemplate": f"{label}, threshold %{{x:.2f}}: %{{y:.1f}}<extra>{name}</extra>",
                }
            )
    one = next(iter(networks.values()))
    floor = {"always “no”": PER * one.always_no, "always “yes”": PER * one.always_yes}
    shown = [PER * costs.cost.value[np.abs(costs.thresholds - at).argmin()] for costs in networks.values()
             for at in (costs.best.value, *marks.values())]  # fmt: skip
    top = max(_ABOVE * min(floor.values()), 1.15 * max(shown), 1e-6)
    lines = {label: cost for label, cost in floor.items() if cost < top}
    return style.figure(
        height,
        ink,
        traces,
        showlegend=True,
        legend=style.LEGEND_ABOVE,
        shapes=[style.line(0, cost, 1, cost) for cost in lines.values()],
        annotations=[
            style.note(0, cost, label, ink, xanchor="left", yanchor="bottom") for label, cost in lines.items()
        ],
        xaxis=style.axis("threshold", (-0.02, 1.02), ink, tickvals=[0, 0.2, 0.4, 0.6, 0.8, 1], tickformat=".1f"),
        yaxis=style.axis(f"cost of {PER:,} films, in false alarms", (0, top), ink),
    )


def cost_curve_alt(networks: Mapping[str, Costs]) -> str:
    """Where the cheapest thresholds stand, in a sentence."""
    parts = [
        f"{name} at {costs.best.value:.2f}, {PER * costs.cost.value.min():.1f}" for name, costs in networks.items()
    ]
    return f"Cost of {PER:,} films over the threshold, in false alarms; cheapest: {'; '.join(parts)}."
